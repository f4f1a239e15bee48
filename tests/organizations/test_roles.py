"""Roles of the organization's own, bundles, exceptions and amounts: what is given is what its giver has."""

from datetime import timedelta

import pytest

from shared.core import clock, ids
from shared.core.permissions import PERMISSIONS, STANDARD
from shared.organizations.permissions import BUNDLES
from tests.client import Answer
from tests.database import Sql
from tests.factories import a_store
from tests.staff import Person, code

pytestmark = pytest.mark.usefixtures("watch")

ROLES = "/organization/roles"
REFUND = "order.refund"


def grants(*permissions: str, **limits: int) -> list[dict[str, object]]:
    return [{"permission": one, "up_to": limits.get(one.replace(".", "_"))} for one in permissions]


def override(owner: Person, member: Person, permission: str, effect: str, **facts: object) -> Answer:
    body = {"effect": effect, "reason": "For the fair", **facts}
    return owner.put(f"/organization/members/{member.member}/overrides/{permission}", json=body)


def test_the_tables_of_permissions_and_standard_roles_say_what_the_code_says(sql: Sql) -> None:
    kept: dict[str, set[str]] = {}
    for row in sql("select role, permission from standard_role_permissions"):
        kept.setdefault(row["role"], set()).add(row["permission"])

    assert {row["code"]: row["description"] for row in sql("select * from permissions")} == PERMISSIONS
    assert kept == {role: set(codes) for role, codes in STANDARD.items()}


def test_the_taxonomy_is_listed_with_its_bundles() -> None:
    told = a_store().staff("viewer").get("/organization/permissions").json()

    assert {one["code"] for one in told["permissions"]} == PERMISSIONS.keys()
    assert [one["code"] for one in told["permissions"] if one["takes_amount"]] == [REFUND, "discount.apply"]
    assert {one["name"]: set(one["permissions"]) for one in told["bundles"]} == {
        name: set(codes) for name, (_, codes) in BUNDLES.items()
    }


def test_a_role_of_bundles_and_permissions_allows_what_they_say_to_who_has_it() -> None:
    store = a_store()
    body = {"name": "Accounts", "bundles": ["finance"], "permissions": grants(REFUND, "order.read", order_refund=5000)}

    made = store.owner.post(ROLES, json=body)

    assert made.status_code == 201, made.text
    expected = {"order.refund": 5000, "order.read": None, "billing.manage": None, "analytics.export": None}
    assert {one["permission"]: one["up_to"] for one in made.json()["permissions"]} == expected
    member = store.staff("viewer")
    change = {"role": "custom", "role_id": made.json()["id"]}
    assert store.owner.patch(f"/organization/members/{member.member}", json=change).status_code == 200
    assert (member.get("/orders").status_code, member.get("/products").status_code) == (200, 403)


def test_an_edited_role_holds_for_all_who_have_it_and_says_what_was_given_and_taken(sql: Sql) -> None:
    store = a_store()
    role = store.owner.post(ROLES, json={"name": "Till", "permissions": grants("order.read", "product.read")}).json()
    member = store.staff("viewer")
    store.owner.patch(f"/organization/members/{member.member}", json={"role": "custom", "role_id": role["id"]})
    assert member.get("/products").status_code == 200

    edited = store.owner.patch(
        f"{ROLES}/{role['id']}",
        json={"permissions": grants("order.read", "customer.read")},
        headers={"If-Match": '"1"'},
    )

    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    assert (member.get("/products").status_code, member.get("/orders").status_code) == (403, 200)
    [entry] = sql(
        "select before, after, severity from audit_entries where action = 'role.changed' and entity_id = %s",
        ids.decode("role", role["id"]),
    )
    assert entry["severity"] == "critical"
    assert (entry["after"]["granted"], entry["after"]["revoked"]) == (["customer.read"], ["product.read"])
    assert entry["before"]["permissions"] == ["order.read", "product.read"]
    stale = store.owner.patch(f"{ROLES}/{role['id']}", json={"name": "Other"}, headers={"If-Match": '"1"'})
    assert code(stale) == (412, "stale_version")


def test_an_edit_that_changes_nothing_is_no_new_version() -> None:
    store = a_store()
    role = store.owner.post(ROLES, json={"name": "Till", "permissions": grants("order.read")}).json()

    again = store.owner.patch(f"{ROLES}/{role['id']}", json={"name": "Till", "permissions": grants("order.read")})

    assert again.json() == role


def test_a_role_that_somebody_has_or_is_invited_to_stays() -> None:
    store = a_store()
    role = store.owner.post(ROLES, json={"name": "Till", "permissions": grants("order.read")}).json()
    member, path = store.staff("viewer"), f"{ROLES}/{role['id']}"
    given = {"role": "custom", "role_id": role["id"]}
    store.owner.patch(f"/organization/members/{member.member}", json=given)
    held = store.owner.delete(path)
    store.owner.patch(f"/organization/members/{member.member}", json={"role": "viewer"})
    invited = store.owner.post("/organization/invitations", json={"email": "new@people.test", **given}).json()
    waited_for = store.owner.delete(path)
    store.owner.delete(f"/organization/invitations/{invited['id']}")

    gone = store.owner.delete(path)

    assert [code(held), code(waited_for)] == [(409, "role_in_use")] * 2
    assert (gone.status_code, store.owner.get(path).status_code) == (204, 404)


def test_a_name_is_given_once_whatever_its_capitals() -> None:
    store = a_store()
    store.owner.post(ROLES, json={"name": "Till"})

    assert code(store.owner.post(ROLES, json={"name": "TILL"})) == (409, "role_name_taken")
    assert len(store.owner.get(ROLES).json()["data"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"name": "X", "permissions": [{"permission": "order.create"}]},
        {"name": "X", "permissions": [{"permission": "product.read", "up_to": 5}]},
        {"name": "X", "permissions": [{"permission": REFUND, "up_to": -1}]},
        {"name": "X", "bundles": ["everything"]},
        {"name": " "},
    ],
)
def test_a_role_of_what_is_none_is_refused(body: dict[str, object]) -> None:
    store = a_store()

    assert code(store.owner.post(ROLES, json=body)) == (422, "validation_failed")
    assert store.owner.get(ROLES).json()["data"] == []


def test_nobody_makes_or_edits_a_role_beyond_what_they_have(sql: Sql) -> None:
    store = a_store()
    manager = store.staff(permissions=["staff.manage", "order.read", REFUND], limits={REFUND: 5000})
    modest = store.owner.post(ROLES, json={"name": "Modest", "permissions": grants("order.read")}).json()
    mighty = store.owner.post(ROLES, json={"name": "Mighty", "permissions": grants("settings.manage")}).json()
    attempts = [
        manager.post(ROLES, json={"name": "A", "permissions": grants("product.write")}),
        manager.post(ROLES, json={"name": "B", "permissions": grants("admin.superuser")}),
        manager.post(ROLES, json={"name": "C", "permissions": grants(REFUND)}),
        manager.post(ROLES, json={"name": "D", "permissions": grants(REFUND, order_refund=5001)}),
        manager.post(ROLES, json={"name": "E", "bundles": ["finance"]}),
        manager.patch(f"{ROLES}/{modest['id']}", json={"permissions": grants("product.write")}),
        manager.patch(f"{ROLES}/{mighty['id']}", json={"name": "Mine"}),
        manager.delete(f"{ROLES}/{mighty['id']}"),
    ]
    [own] = sql("select role_id from organization_members where id = %s", manager.member_id)
    itself = manager.patch(f"{ROLES}/{ids.encode('role', own['role_id'])}", json={"description": "Mine"})

    allowed = manager.post(ROLES, json={"name": "F", "permissions": grants(REFUND, order_refund=5000)})

    assert [code(one) for one in attempts] == [(403, "beyond_your_own")] * len(attempts)
    assert code(itself) == (403, "own_standing")
    assert allowed.status_code == 201, allowed.text
    assert {one["name"] for one in store.owner.get(ROLES).json()["data"]} >= {"Modest", "Mighty", "F"}


def test_a_mass_of_further_fields_is_refused_and_changes_nothing() -> None:
    store = a_store()
    member = store.staff("viewer")
    further = {"user_id": store.owner.user, "suspended_at": None, "organization_id": "org_x", "version": 9}
    path = f"/organization/members/{member.member}"
    before = store.owner.get("/organization/members").json()

    refused = store.owner.patch(path, json={"role": "member", **further})

    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {f"/{name}" for name in further}
    assert store.owner.get("/organization/members").json() == before
    assert store.owner.patch(path, json={"role": "member"}).json()["role"] == "member"


def test_an_exception_grants_or_denies_from_the_next_request_until_it_ends(sql: Sql) -> None:
    store = a_store()
    member = store.staff("viewer")
    with clock.frozen(clock.now()) as present:
        until = (clock.now() + timedelta(hours=1)).isoformat()
        granted = override(store.owner, member, "settings.manage", "grant", expires_at=until)
        denied = override(store.owner, member, "product.read", "deny")
        during = member.get("/store").status_code, member.get("/products").status_code
        present.tick(timedelta(hours=1))
        after = member.get("/store").status_code, member.get("/products").status_code

    assert (granted.status_code, denied.status_code) == (200, 200)
    assert (during, after) == ((200, 403), (403, 403))
    listed = store.owner.get(f"/organization/members/{member.member}/overrides").json()["data"]
    assert [(one["permission"], one["effect"]) for one in listed] == [
        ("product.read", "deny"),
        ("settings.manage", "grant"),
    ]
    entries = sql(
        "select severity from audit_entries where action = 'override.set' and entity_id = %s", member.member_id
    )
    assert [row["severity"] for row in entries] == ["critical"] * 2


def test_an_exception_that_is_taken_back_leaves_the_role_alone() -> None:
    store = a_store()
    member = store.staff("viewer")
    override(store.owner, member, "product.read", "deny")
    path = f"/organization/members/{member.member}/overrides/product.read"

    removed = store.owner.delete(path)

    assert (removed.status_code, store.owner.delete(path).status_code) == (204, 404)
    assert member.get("/products").status_code == 200


def test_what_is_denied_to_who_may_do_everything_is_denied_and_the_rest_is_not() -> None:
    store = a_store()
    everything = store.staff(permissions=["admin.superuser"])

    assert override(store.owner, everything, "settings.manage", "deny").status_code == 200

    assert (everything.get("/store").status_code, everything.get("/products").status_code) == (403, 200)


def test_nobody_makes_an_exception_beyond_what_they_have_or_for_an_owner() -> None:
    store = a_store()
    second = store.staff("owner")
    manager = store.staff(permissions=["staff.manage", "order.read", REFUND], limits={REFUND: 5000})
    clerk = store.staff(permissions=["order.read"])
    attempts = [
        override(manager, clerk, "product.read", "grant"),
        override(manager, clerk, REFUND, "grant"),
        override(manager, clerk, REFUND, "grant", up_to=5001),
        override(manager, clerk, "product.read", "deny"),
    ]

    allowed = override(manager, clerk, REFUND, "grant", up_to=100)

    assert [code(one) for one in attempts] == [(403, "beyond_your_own")] * 4
    assert allowed.status_code == 200, allowed.text
    assert code(override(manager, manager, "order.read", "grant")) == (403, "own_standing")
    assert code(override(store.owner, second, "order.read", "deny")) == (409, "owner_needs_none")


@pytest.mark.parametrize(
    ("permission", "facts", "expected"),
    [
        ("order.create", {}, (404, "not_found")),
        ("product.read", {"up_to": 5}, (422, "validation_failed")),
        (REFUND, {"expires_at": "2020-01-01T00:00:00Z"}, (422, "validation_failed")),
        (REFUND, {"reason": " "}, (422, "validation_failed")),
        (REFUND, {"effect": "deny", "up_to": 5}, (422, "validation_failed")),
    ],
)
def test_an_exception_that_makes_no_sense_is_refused(
    permission: str, facts: dict[str, object], expected: tuple[int, str]
) -> None:
    store = a_store()
    member = store.staff("viewer")

    refused = override(store.owner, member, permission, **{"effect": "grant", **facts})  # type: ignore[arg-type]  # by name

    assert code(refused) == expected
    assert store.owner.get(f"/organization/members/{member.member}/overrides").json()["data"] == []


def test_a_discount_goes_up_to_the_amount_that_its_giver_may_give(sql: Sql) -> None:
    store = a_store(stock={"TEA": 10})
    clerk = store.staff(permissions=["order.write", "discount.apply"], limits={"discount.apply": 500})
    order = {
        "contact": {"name": "Rahima", "phone": "+8801712345678"},
        "shipping_address": {"line1": "House 1", "city": "Dhaka"},
        "lines": [{"variant_id": store.variant("TEA"), "quantity": 1}],
    }

    allowed = clerk.post("/orders", json={**order, "discount": 500}, key=True)
    refused = clerk.post("/orders", json={**order, "discount": 501}, key=True)

    assert allowed.status_code == 201, allowed.text
    assert code(refused) == (403, "over_limit")
    assert refused.json()["limit"] == {"amount": 500, "currency": "BDT"}
    assert store.stock("TEA")["on_hand"] - store.stock("TEA")["reserved"] == 9
    assert len(sql("select 1 from orders where store_id = %s", store.id)) == 1
