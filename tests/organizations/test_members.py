"""Members: what they may do holds from their next request; nobody reaches above themselves, and an owner stays."""

import threading
from collections.abc import Callable

import pytest

from shared.core import ids
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.staff import Person, a_person, code, own

pytestmark = pytest.mark.usefixtures("watch")


def of(person: Person) -> str:
    return f"/organization/members/{person.member}"


def role_of(sql: Sql, person: Person) -> str | None:
    rows = sql("select role from organization_members where id = %s", person.member_id)
    return rows[0]["role"] if rows else None


def test_members_are_listed_with_who_they_are_and_when_they_were_at_work_here() -> None:
    store = a_store()
    viewer = store.staff("viewer")
    a_person().at(organization_id=ids.new_id())  # somebody else, elsewhere

    listed = store.owner.get("/organization/members").json()["data"]

    assert [(one["email"], one["role"]) for one in listed] == [(store.owner.email, "owner"), (viewer.email, "viewer")]
    assert all(one["last_seen_at"] is not None and one["name"] for one in listed)


def test_another_role_holds_from_the_members_next_request() -> None:
    store = a_store(stock={"TEA": 1})
    member = store.staff("viewer")
    before = member.patch("/store", json={"locale": "en"})

    changed = store.owner.patch(of(member), json={"role": "admin"}, headers={"If-Match": '"1"'})

    assert changed.status_code == 200, changed.text
    assert (changed.json()["role"], changed.headers["etag"]) == ("admin", '"2"')
    assert (before.status_code, member.patch("/store", json={"locale": "en"}).status_code) == (403, 200)


def test_stores_that_a_member_was_given_are_all_that_they_enter() -> None:
    store = a_store()
    member = store.staff("admin")
    body = {"name": "Second", "slug": f"second-{ids.new_id().hex[-12:]}"}
    second = store.owner.post("/organization/stores", json=body).json()["store"]

    changed = store.owner.patch(of(member), json={"store_ids": [second["id"]]})

    assert changed.json()["store_ids"] == [second["id"]]
    assert member.get("/store").status_code == 403
    entered = member.at(organization_id=store.organization_id, store_id=ids.decode("store", second["id"]))
    assert entered.get("/store").json()["id"] == second["id"]
    assert [one["id"] for one in member.get("/organizations").json()["data"][0]["stores"]] == [second["id"]]


def test_a_store_of_somebody_else_is_none_to_be_given() -> None:
    store, theirs = a_store(), a_store()
    member = store.staff("viewer")

    refused = store.owner.patch(of(member), json={"store_ids": [ids.encode("store", theirs.id)]})

    assert code(refused) == (422, "validation_failed")
    assert refused.json()["errors"][0]["pointer"] == "/store_ids/0"


def test_who_is_suspended_is_out_at_once_and_back_with_what_they_were() -> None:
    store = a_store()
    member = store.staff("admin")
    assert member.get("/store").status_code == 200

    suspended = store.owner.post(of(member) + "/suspend")
    out = member.get("/store"), member.get("/organization"), member.get("/organizations")
    store.owner.post(of(member) + "/let-back")

    assert suspended.json()["suspended_at"] is not None
    assert [answer.status_code for answer in out] == [403, 403, 200]
    assert out[2].json()["data"] == []
    assert member.get("/store").status_code == 200


def test_who_is_removed_is_out_at_once_and_nowhere_any_more(sql: Sql) -> None:
    store = a_store()
    member = store.staff("admin")
    assert member.get("/store").status_code == 200

    removed = store.owner.delete(of(member))

    assert removed.status_code == 200
    assert [member.get(path).status_code for path in ("/store", "/organization")] == [403, 403]
    assert member.get("/organizations").json()["data"] == []
    assert store.owner.get(of(member)).status_code == 404
    [entry] = sql(
        "select before, severity from audit_entries where action = 'member.removed' and entity_id = %s",
        member.member_id,
    )
    assert (entry["before"]["role"], entry["severity"]) == ("admin", "critical")


def test_a_member_leaves_and_is_out() -> None:
    store = a_store()
    member = store.staff("viewer")

    assert member.post("/organization/leave").status_code == 200

    assert member.get("/organization").status_code == 403


CHANGES: dict[str, Callable[[StoreUnderTest, Person], Answer]] = {
    "leave": lambda store, _: store.owner.post("/organization/leave"),
    "be removed": lambda store, other: other.delete(of(store.owner)),
    "be demoted": lambda store, other: other.patch(of(store.owner), json={"role": "admin"}),
    "be suspended": lambda store, other: other.post(of(store.owner) + "/suspend"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_the_last_owner_stays(change: str, sql: Sql) -> None:
    store = a_store()
    other = store.staff(permissions=["admin.superuser"])  # may do everything, and is no owner

    refused = CHANGES[change](store, other)

    assert code(refused) == ((409, "last_owner") if change == "leave" else (403, "beyond_your_own"))
    assert role_of(sql, store.owner) == "owner"
    assert store.owner.get("/organization").status_code == 200


def test_an_owner_suspends_no_owner_and_removes_one_who_is_not_the_last(sql: Sql) -> None:
    store = a_store()
    second = store.staff("owner")

    suspended = store.owner.post(of(second) + "/suspend")
    removed = store.owner.delete(of(second))

    assert code(suspended) == (409, "owner_stays")
    assert (removed.status_code, role_of(sql, second)) == (200, None)


def test_who_may_do_everything_and_owns_nothing_makes_no_owner(sql: Sql) -> None:
    store = a_store()
    everything, member = store.staff(permissions=["admin.superuser"]), store.staff()

    refused = [
        everything.patch(of(member), json={"role": "owner"}),
        everything.post("/organization/invitations", json={"email": "a@b.test", "role": "owner"}),
        everything.post("/organization/ownership", json={"member_id": member.member}),
    ]

    assert [answer.status_code for answer in refused] == [403] * 3
    assert role_of(sql, member) == "member"


def test_of_two_owners_who_leave_at_once_one_stays(sql: Sql) -> None:
    for _ in range(5):
        store = a_store()
        second = store.staff("owner")
        answers: list[int] = []
        ready = threading.Barrier(2)

        def leave(person: Person, ready: threading.Barrier = ready, answers: list[int] = answers) -> None:
            ready.wait()
            answers.append(person.post("/organization/leave").status_code)

        threads = [threading.Thread(target=leave, args=(person,)) for person in (store.owner, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [200, 409]
        left = sql("select role from organization_members where organization_id = %s", store.organization_id)
        assert [row["role"] for row in left] == ["owner"]


def test_of_two_owners_who_demote_each_other_at_once_one_stays(sql: Sql) -> None:
    for _ in range(5):
        store = a_store()
        second = store.staff("owner")
        ready = threading.Barrier(2)
        answers: list[int] = []

        def demote(who: Person, whom: Person, ready: threading.Barrier = ready, answers: list[int] = answers) -> None:
            ready.wait()
            answers.append(who.patch(of(whom), json={"role": "viewer"}).status_code)

        pairs = ((store.owner, second), (second, store.owner))
        threads = [threading.Thread(target=demote, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [200, 403]  # who was demoted a moment ago demotes nobody
        left = sql("select role from organization_members where organization_id = %s", store.organization_id)
        assert sorted(row["role"] for row in left) == ["owner", "viewer"]


def test_ownership_is_given_at_once_by_an_owner_who_has_just_proven_themselves(sql: Sql) -> None:
    store = a_store()
    heir = store.staff("member")

    given = store.owner.post("/organization/ownership", json={"member_id": heir.member})

    assert given.status_code == 200, given.text
    assert (role_of(sql, heir), role_of(sql, store.owner)) == ("owner", "admin")
    actions = sql(
        "select action from audit_entries where store_id = %s and action like 'ownership%%' order by id",
        store.organization_id,
    )
    assert [row["action"] for row in actions] == ["ownership.received", "ownership.given"]
    again = store.owner.post("/organization/ownership", json={"member_id": heir.member})
    assert code(again) == (403, "forbidden")


def test_ownership_goes_to_nobody_who_is_suspended_or_oneself_or_elsewhere(sql: Sql) -> None:
    store, elsewhere = a_store(), a_store()
    suspended = store.staff("member")
    store.owner.post(of(suspended) + "/suspend")

    refused = [
        store.owner.post("/organization/ownership", json={"member_id": member})
        for member in (suspended.member, store.owner.member, elsewhere.owner.member)
    ]

    assert [code(answer) for answer in refused] == [(409, "cannot_own"), (409, "cannot_own"), (404, "not_found")]
    assert role_of(sql, store.owner) == "owner"


ESCALATIONS: dict[str, tuple[Callable[[StoreUnderTest, Person, Person], Answer], str]] = {
    "make oneself an owner": (lambda _, me, __: me.patch(of(me), json={"role": "owner"}), "own_standing"),
    "let oneself into every store": (lambda _, me, __: me.patch(of(me), json={"store_ids": None}), "own_standing"),
    "make somebody an owner": (lambda _, me, them: me.patch(of(them), json={"role": "owner"}), "beyond_your_own"),
    "invite an owner": (
        lambda _, me, __: me.post("/organization/invitations", json={"email": "a@b.test", "role": "owner"}),
        "beyond_your_own",
    ),
    "demote an owner": (lambda store, me, _: me.patch(of(store.owner), json={"role": "viewer"}), "beyond_your_own"),
    "remove an owner": (lambda store, me, _: me.delete(of(store.owner)), "beyond_your_own"),
    "suspend an owner": (lambda store, me, _: me.post(of(store.owner) + "/suspend"), "beyond_your_own"),
    "take something from an owner": (
        lambda store, me, _: me.put(
            of(store.owner) + "/overrides/order.read", json={"effect": "deny", "reason": "Because"}
        ),
        "beyond_your_own",
    ),
}


@pytest.mark.parametrize("way", sorted(ESCALATIONS))
def test_an_admin_reaches_no_owner_and_nobody_reaches_themselves(way: str, sql: Sql) -> None:
    store = a_store()
    admin, member = store.staff("admin"), store.staff("member")
    act, expected = ESCALATIONS[way]

    refused = act(store, admin, member)

    assert code(refused) == (403, expected)
    roles = [role_of(sql, person) for person in (store.owner, admin, member)]
    assert roles == ["owner", "admin", "member"]
    assert sql("select 1 from permission_overrides where organization_id = %s", store.organization_id) == []
    assert sql("select 1 from invitations where organization_id = %s", store.organization_id) == []


def test_who_manages_staff_and_little_else_reaches_only_who_may_do_less(sql: Sql) -> None:
    store = a_store()
    manager = store.staff(permissions=["staff.manage", "product.read", "order.read"])
    clerk = store.staff(permissions=["order.read"])
    viewer = store.staff("viewer")

    assert code(manager.delete(of(viewer))) == (403, "beyond_your_own")
    assert code(manager.patch(of(clerk), json={"role": "viewer"})) == (403, "beyond_your_own")
    assert manager.delete(of(clerk)).status_code == 200
    assert role_of(sql, viewer) == "viewer"


def test_who_works_in_one_store_lets_nobody_into_another_and_touches_nobody_there(sql: Sql) -> None:
    store = a_store()
    manager = store.staff("admin", store_ids=[store.id])
    here, everywhere = store.staff("viewer", store_ids=[store.id]), store.staff("viewer")

    widened = manager.patch(of(here), json={"store_ids": None})
    touched = manager.patch(of(everywhere), json={"role": "member"})
    role = manager.post("/organization/roles", json={"name": "Everywhere", "permissions": []})
    allowed = manager.patch(of(here), json={"role": "member"})

    assert [code(one) for one in (widened, touched, role)] == [(403, "beyond_your_own")] * 3
    assert allowed.status_code == 200, allowed.text
    assert role_of(sql, everywhere) == "viewer"


def test_members_of_another_organization_are_not_there() -> None:
    mine, theirs = a_store(), a_store()
    member = theirs.staff("viewer")

    answers = [
        mine.owner.get(of(member)),
        mine.owner.patch(of(member), json={"role": "admin"}),
        mine.owner.post(of(member) + "/suspend"),
        mine.owner.delete(of(member)),
        mine.owner.get(of(member) + "/overrides"),
        mine.owner.put(of(member) + "/overrides/order.read", json={"effect": "deny", "reason": "No"}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert member.get("/store").status_code == 403  # a viewer reads no settings, and is still there
    assert member.get("/organization").status_code == 200


def test_an_organization_that_one_left_is_entered_by_no_old_session() -> None:
    store, other = a_store(), a_store()
    outsider = own(a_person(), other.organization_id)

    stranger = outsider.at(organization_id=store.organization_id, store_id=store.id)

    assert [stranger.get(path).status_code for path in ("/organization", "/store", "/products")] == [403, 403, 403]
