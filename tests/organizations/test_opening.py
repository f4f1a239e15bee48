"""Opening an organization with its first store, further stores, and going to them."""

import pytest

from shared.core import ids
from tests.database import Sql
from tests.factories import a_store
from tests.staff import Person, a_person, code

pytestmark = pytest.mark.usefixtures("watch")


def wanted(**store: object) -> dict[str, object]:
    return {"name": "Rupali Ltd", "store": {"name": "Rupali", "slug": f"rupali-{ids.new_id().hex[-12:]}", **store}}


def test_whoever_opens_an_organization_owns_it_and_works_in_its_store_at_once() -> None:
    person = a_person()

    opened = person.post("/organizations", json=wanted())

    assert opened.status_code == 201, opened.text
    told = opened.json()
    places = person.get("/organizations").json()["data"]
    assert [(place["name"], place["role"]) for place in places] == [("Rupali Ltd", "owner")]
    assert [store["id"] for store in places[0]["stores"]] == [told["store"]["id"]]
    entered = at(person, told)
    assert entered.get("/store").json()["name"] == "Rupali"
    assert entered.get("/organization").json()["name"] == "Rupali Ltd"
    assert entered.get("/organization/members").json()["data"][0]["email"] == person.email


def test_no_secret_token_comes_of_it_and_its_history_lies_where_it_belongs(sql: Sql) -> None:
    person = a_person()

    told = person.post("/organizations", json=wanted()).json()

    store_id, organization_id = (
        ids.decode("store", told["store"]["id"]),
        ids.decode("org", told["organization"]["id"]),
    )
    assert [row["kind"] for row in sql("select kind from credentials where store_id = %s", store_id)] == ["pk"]
    actions = "select action, actor_id from audit_entries where store_id = %s order by id"
    assert [(row["action"], row["actor_id"]) for row in sql(actions, organization_id)] == [
        ("organization.opened", str(person.user_id)),
        ("member.joined", str(person.user_id)),
    ]
    assert [row["action"] for row in sql(actions, store_id)] == ["store.opened", "credential.created"]
    events = "select type from domain_events where store_id = %s order by id"
    assert [row["type"] for row in sql(events, organization_id)] == ["organization.opened", "member.joined"]


def test_an_address_that_nobody_verified_opens_nothing(sql: Sql) -> None:
    person = a_person(is_verified=False)

    refused = person.post("/organizations", json=wanted())

    assert code(refused) == (403, "address_not_verified")
    assert sql("select 1 from organization_members where user_id = %s", person.user_id) == []


def test_a_slug_that_is_taken_leaves_no_organization_behind(sql: Sql) -> None:
    person, store = a_person(), a_store()

    refused = person.post("/organizations", json=wanted(slug=store.slug), key=True)

    assert code(refused) == (409, "store_slug_taken")
    assert sql("select 1 from organization_members where user_id = %s", person.user_id) == []


def test_the_same_request_twice_opens_one_organization() -> None:
    person, key = a_person(), str(ids.new_id())
    body = wanted()

    first, second = (person.post("/organizations", json=body, key=key) for _ in range(2))

    assert first.json() == second.json()
    assert len(person.get("/organizations").json()["data"]) == 1


def test_a_person_opens_five_organizations_at_once_and_not_six() -> None:
    person = a_person()

    answers = [person.post("/organizations", json=wanted()).status_code for _ in range(6)]

    assert answers == [201] * 5 + [429]


def test_a_token_or_nobody_opens_no_organization() -> None:
    store = a_store()

    assert store.merchant.post("/organizations", json=wanted()).status_code == 401
    assert store.merchant.get("/organization").status_code == 401


def test_an_owner_opens_a_further_store_and_enters_it(sql: Sql) -> None:
    store = a_store()

    opened = store.owner.post("/organization/stores", json=wanted()["store"])

    assert opened.status_code == 201, opened.text
    told = opened.json()
    assert at(store.owner, told).get("/store").json()["id"] == told["store"]["id"]
    assert len(store.owner.get("/organizations").json()["data"][0]["stores"]) == 2
    actions = sql("select action from audit_entries where store_id = %s order by id", store.organization_id)
    assert [row["action"] for row in actions][-1] == "organization.store_opened"


@pytest.mark.parametrize(("role", "in_one_store"), [("member", False), ("viewer", False), ("admin", True)])
def test_who_may_not_or_works_in_one_store_alone_opens_no_further_one(role: str, *, in_one_store: bool) -> None:
    store = a_store()
    staff = store.staff(role, store_ids=[store.id] if in_one_store else None)

    refused = staff.post("/organization/stores", json=wanted()["store"])

    assert refused.status_code == 403
    assert len(store.owner.get("/organizations").json()["data"][0]["stores"]) == 1


def test_an_organization_gets_another_name_and_a_stale_edit_does_not() -> None:
    store = a_store()

    renamed = store.owner.patch("/organization", json={"name": "Rupali & Sons"}, headers={"If-Match": '"1"'})
    stale = store.owner.patch("/organization", json={"name": "Else"}, headers={"If-Match": '"1"'})

    assert (renamed.status_code, renamed.headers["etag"]) == (200, '"2"')
    assert code(stale) == (412, "stale_version")
    assert store.owner.get("/organization").json()["name"] == "Rupali & Sons"


def at(person: Person, opened: dict[str, dict[str, str]]) -> Person:
    return person.at(
        organization_id=ids.decode("org", opened["organization"]["id"]),
        store_id=ids.decode("store", opened["store"]["id"]),
    )
