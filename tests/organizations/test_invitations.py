"""Invitations: a letter that only its reader can answer, once, within seven days, while its sender may invite."""

import re
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from shared.core import clock, credentials, database, ids, refusals
from shared.messaging.models import QueuedMessage
from tests.client import Answer, Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.staff import Person, a_person, code
from tests.tenancy.world import an_operator

pytestmark = pytest.mark.usefixtures("watch")

INVITATIONS = "/organization/invitations"


def invite(by: Person, email: str, role: str = "viewer", **facts: object) -> Answer:
    return by.post(INVITATIONS, json={"email": email, "role": role, **facts})


def letters(store: StoreUnderTest) -> list[QueuedMessage]:
    """Return what the organization has sent, the oldest first."""
    with database.transaction(store.organization_id) as session:
        found = session.scalars(select(QueuedMessage).order_by(QueuedMessage.id)).all()
        return [one for one in found if one.content]


def secret(store: StoreUnderTest) -> str:
    """Return what the last letter holds."""
    content = letters(store)[-1].content or {}
    [found] = re.findall(r"\biv_[0-9A-Za-z]{36}\b", content["text"])
    return str(found)


def accept(person: Client, token: str) -> Answer:
    return person.post("/invitations/accept", json={"token": token})


def test_who_was_invited_joins_as_what_they_were_invited_to(sql: Sql) -> None:
    store, person = a_store(), a_person()

    invited = invite(store.owner, person.email.upper().replace("PEOPLE.TEST", "people.test"), "admin")
    joined = accept(person, secret(store))

    assert invited.status_code == 201, invited.text
    assert joined.status_code == 201, joined.text
    assert joined.json()["role"] == "admin"
    at_work = person.at(organization_id=store.organization_id, store_id=store.id)
    assert at_work.get("/store").status_code == 200
    listed = store.owner.get(INVITATIONS).json()["data"]
    assert [one["accepted_at"] is not None for one in listed] == [True]
    entries = sql(
        "select action, actor_id, severity from audit_entries where store_id = %s and entity in "
        "('invitation', 'member') order by id",
        store.organization_id,
    )
    assert [(row["action"], row["actor_id"], row["severity"]) for row in entries[1:]] == [
        ("invitation.sent", str(store.owner.user_id), "critical"),
        ("member.joined", str(person.user_id), "critical"),
    ]


def test_the_letter_names_both_and_its_secret_is_kept_nowhere_in_clear(sql: Sql) -> None:
    store = a_store()
    store.owner.patch("/organization", json={"name": "Rupali {token}"})

    told = invite(store.owner, "new@people.test").text

    [letter] = letters(store)
    content = letter.content or {}
    assert "Rupali {token}" in content["text"]
    assert store.owner.name in content["text"]
    token = secret(store)
    assert token not in content["subject"]
    assert token not in told
    tables = ("invitations", "outgoing_messages", "audit_entries", "domain_events", "idempotency_keys")
    rows = [str(row) for table in tables for row in sql(f"select t::text as row from {table} t")]
    assert not any(token in row or "new@people.test" in row for row in rows)


@pytest.mark.parametrize("spoil", ["used", "over", "revoked", "sent again", "flipped", "cut", "another kind"])
def test_a_secret_that_is_worth_nothing_lets_nobody_in(spoil: str, sql: Sql) -> None:
    store, person = a_store(), a_person()
    invitation = invite(store.owner, person.email).json()
    token = secret(store)
    with clock.frozen(clock.now()) as present:
        match spoil:
            case "used":
                assert accept(person, token).status_code == 201
                person.at(organization_id=store.organization_id).post("/organization/leave")
            case "over":
                present.tick(timedelta(days=7))
                person = person.at()
            case "revoked":
                assert store.owner.delete(f"{INVITATIONS}/{invitation['id']}").status_code == 200
            case "sent again":
                assert store.owner.post(f"{INVITATIONS}/{invitation['id']}/resend").status_code == 200
            case "flipped":
                token = token[:10] + ("A" if token[10] != "A" else "B") + token[11:]
            case "cut":
                token = token[:-1]
            case _:
                token = credentials.generate(credentials.SECRET)

        refusals.forget()
        refused = accept(person, token)

    assert code(refused) == (404, "invitation_not_found")
    noted = sql(
        "select after ->> 'route' as route from audit_entries where store_id = %s and action = %s",
        person.user_id,
        refusals.ACTION,
    )
    assert noted == [{"route": "organizations-accept-invitation"}]
    assert sql("select 1 from organization_members where user_id = %s", person.user_id) == []


def test_a_letter_that_is_sent_again_opens_for_seven_new_days() -> None:
    store, person = a_store(), a_person()
    invitation = invite(store.owner, person.email).json()
    with clock.frozen(clock.now()) as present:
        present.tick(timedelta(days=6))
        owner = store.owner.at(organization_id=store.organization_id)
        again = owner.post(f"{INVITATIONS}/{invitation['id']}/resend")
        present.tick(timedelta(days=6))

        joined = accept(person.at(), secret(store))

    assert again.status_code == 200, again.text
    assert joined.status_code == 201, joined.text


def test_an_invitation_is_for_its_address_alone(sql: Sql) -> None:
    store, person, thief = a_store(), a_person(), a_person()
    unverified = a_person(is_verified=False)
    invite(store.owner, person.email)
    token = secret(store)
    invite(store.owner, unverified.email)

    assert code(accept(thief, token)) == (403, "invitation_for_another")
    assert code(accept(unverified, secret(store))) == (403, "address_not_verified")
    assert accept(Client(), token).status_code == 401
    assert accept(store.merchant, token).status_code == 401
    assert len(sql("select 1 from organization_members where organization_id = %s", store.organization_id)) == 1
    assert accept(person, token).status_code == 201


def test_of_two_who_send_one_secret_at_once_one_joins(sql: Sql) -> None:
    store, person = a_store(), a_person()
    invite(store.owner, person.email)
    token, answers, ready = secret(store), list[int](), threading.Barrier(2)

    def join() -> None:
        ready.wait()
        answers.append(accept(person, token).status_code)

    threads = [threading.Thread(target=join) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [201, 404]
    assert len(sql("select 1 from organization_members where user_id = %s", person.user_id)) == 1


def test_who_has_no_account_signs_up_by_the_letter_and_is_in(sql: Sql) -> None:
    store = a_store()
    email = "karim.hasan@people.test"
    invite(store.owner, email, "member")
    body = {"token": secret(store), "name": "Karim", "password": "a fair few words of mine"}

    weak = Client().post("/invitations/sign-up", json={**body, "password": "password"})
    joined = Client().post("/invitations/sign-up", json=body)
    again = Client().post("/invitations/sign-up", json=body)

    assert code(weak) == (422, "password_refused")
    assert joined.status_code == 201, joined.text
    assert code(again) == (404, "invitation_not_found")
    signed_in = Client().post("/session", json={"email": email, "password": body["password"]})
    assert signed_in.status_code == 200, signed_in.text
    [member] = sql(
        "select user_id, role from organization_members where organization_id = %s and role <> 'owner'",
        store.organization_id,
    )
    assert member["role"] == "member"
    of_person = sql("select action, actor_id from audit_entries where store_id = %s order by id", member["user_id"])
    assert (of_person[0]["action"], of_person[0]["actor_id"]) == ("user.registered", str(member["user_id"]))
    of_organization = sql(
        "select actor_id from audit_entries where store_id = %s and action = 'member.joined' order by id desc limit 1",
        store.organization_id,
    )
    assert of_organization[0]["actor_id"] == str(member["user_id"])


def test_who_has_an_account_signs_in_instead(sql: Sql) -> None:
    store, person = a_store(), a_person()
    invite(store.owner, person.email)
    body = {"token": secret(store), "name": "Else", "password": "a fair few words of mine"}

    refused = Client().post("/invitations/sign-up", json=body)

    assert code(refused) == (409, "account_exists")
    assert sql("select 1 from organization_members where user_id = %s", person.user_id) == []
    assert accept(person, body["token"]).status_code == 201


def test_an_address_is_invited_once_at_a_time_and_a_member_never(sql: Sql) -> None:
    store = a_store()
    member = store.staff("viewer")
    first = invite(store.owner, "new@people.test")

    assert code(invite(store.owner, "NEW@people.test")) == (409, "already_invited")
    assert code(invite(store.owner, member.email)) == (409, "already_member")
    assert store.owner.delete(f"{INVITATIONS}/{first.json()['id']}").status_code == 200
    closed = store.owner.post(f"{INVITATIONS}/{first.json()['id']}/resend")
    assert code(closed) == (409, "invitation_closed")
    assert invite(store.owner, "new@people.test").status_code == 201
    assert len(sql("select 1 from invitations where organization_id = %s", store.organization_id)) == 2


def test_nobody_invites_to_more_than_they_are(sql: Sql) -> None:
    store = a_store()
    manager = store.staff(permissions=["staff.manage", "order.read"], store_ids=[store.id])
    beyond = [
        invite(manager, "a@people.test", "viewer"),
        invite(manager, "b@people.test", "owner"),
        invite(
            manager, "c@people.test", "custom", role_id=store.owner.get("/organization/roles").json()["data"][0]["id"]
        ),
    ]

    assert [code(answer) for answer in beyond] == [(403, "beyond_your_own")] * 3
    assert sql("select 1 from invitations where organization_id = %s", store.organization_id) == []
    assert letters(store) == []


@pytest.mark.parametrize("fate", ["removed", "suspended", "demoted"])
def test_what_a_member_has_invited_to_ends_with_what_they_were(fate: str) -> None:
    store, friend = a_store(), a_person()
    admin = store.staff("admin")
    invite(admin, friend.email, "admin")
    token, path = secret(store), f"/organization/members/{admin.member}"

    match fate:
        case "removed":
            store.owner.delete(path)
        case "suspended":
            store.owner.post(f"{path}/suspend")
        case _:
            store.owner.patch(path, json={"role": "viewer"})

    assert code(accept(friend, token)) == (404, "invitation_not_found")


def test_an_invitation_to_a_role_that_is_gone_lets_nobody_in(sql: Sql) -> None:
    store, person = a_store(), a_person()
    role = store.owner.post("/organization/roles", json={"name": "Till", "permissions": []}).json()
    invite(store.owner, person.email, "custom", role_id=role["id"])
    sql("delete from roles where organization_id = %s", store.organization_id)

    assert code(accept(person, secret(store))) == (409, "invitation_outdated")


def test_an_organization_sends_fifty_letters_a_day() -> None:
    store = a_store()
    sent = [invite(store.owner, f"new-{number}@people.test").status_code for number in range(51)]

    assert sent == [201] * 50 + [429]


def test_invitations_of_another_organization_are_not_there() -> None:
    mine, theirs = a_store(), a_store()
    invitation = invite(theirs.owner, "new@people.test").json()

    assert mine.owner.get(INVITATIONS).json()["data"] == []
    assert mine.owner.post(f"{INVITATIONS}/{invitation['id']}/resend").status_code == 404
    assert mine.owner.delete(f"{INVITATIONS}/{invitation['id']}").status_code == 404
    assert theirs.owner.get(INVITATIONS).json()["data"][0]["revoked_at"] is None


def test_an_operator_invites_the_first_owner_of_an_organization_that_nobody_works_for(sql: Sql) -> None:
    store = a_store()
    operator = an_operator(sql, "admin.superuser")
    path = f"/platform/organizations/{ids.encode('org', store.organization_id)}/owner"

    lost = operator.post(path, json={"email": "first@people.test"})
    invited = operator.post(path, json={"email": "owner@people.test"})

    assert (lost.status_code, invited.status_code) == (201, 201)
    body = {"name": "Rahima", "password": "a fair few words of mine"}
    replaced = Client().post("/invitations/sign-up", json={"token": lost.json()["token"], **body})
    joined = Client().post("/invitations/sign-up", json={"token": invited.json()["token"], **body})
    assert code(replaced) == (404, "invitation_not_found")
    assert (joined.status_code, joined.json()["role"]) == (201, "owner")
    assert code(operator.post(path, json={"email": "second@people.test"})) == (409, "has_members")
    nowhere = f"/platform/organizations/{ids.encode('org', store.id)}/owner"
    assert operator.post(nowhere, json={"email": "second@people.test"}).status_code == 404
