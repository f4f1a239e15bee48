"""Every route that changes something says in the trail what it changed, from what to what, and no secret beside it.

Generated from the routes: a new one joins by its case in tests/tenancy/routes/, which the suite asks for anyway.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.core import ids, topology
from tests.audit.diffs import Names, Request, offences
from tests.client import Client
from tests.database import Sql
from tests.figures import Figures
from tests.staff import Person
from tests.tenancy.calls import Call
from tests.tenancy.routes import BY_ANYBODY, CASES, customers
from tests.tenancy.routes.registry import Case
from tests.tenancy.world import World, a_world, an_operator


def _of_anybody(name: str) -> Case:
    return lambda _: BY_ANYBODY[name]()


type Prepare = Callable[[World, Call, Sql], Call]

ENDPOINTS = {endpoint.name: endpoint for endpoint in topology.load().endpoints}
DECLARED = {one.name: one for _, api in topology.apis() for one in api.endpoints}
ALL: dict[str, tuple[str, Case]] = CASES | {name: (name, _of_anybody(name)) for name in BY_ANYBODY}
CHANGING = sorted(name for name, (route, _) in ALL.items() if route in ENDPOINTS and ENDPOINTS[route].method != "GET")

# Where an entry calls a field otherwise than the request does, or the case sends what was so before.
NAMES = {
    "catalog-create-attribute": Names(shown=frozenset({"code"})),  # what a merchant's programs call it
    "catalog-declare-product: by its id": Names(silent=frozenset({"id", "images", "status", "title", "variants"})),
    "catalog-edit-attribute-choice": Names({"name": "choices."}),
    "catalog-edit-custom-field": Names(silent=frozenset({"required"})),
    "catalog-edit-variant": Names({"image": "image_id"}),
    "customers-replace-account-address": Names(silent=frozenset({"city"})),
    "customers-set-account-password": Names({"password": "password_changed_at"}),
    "identity-change-password": Names({"current_password": "by", "new_password": "password_changed_at"}),
    "identity-enter-place": Names(silent=frozenset({"organization_id"})),
    "inventory-set-stock": Names(silent=frozenset({"expected_on_hand"})),
}
NONE = Names()

# Routes that change nothing of anybody's by themselves, each with the reason.
NOTHING_CHANGED = {
    "identity-begin-at-issuer": "it leads to an issuer; who comes back from there is noted then",
    "identity-begin-to-link": "the same, for who is signed in already",
    "identity-ask-for-password-reset": "it tells a queue the same for every address; who is found is noted there",
}


def _after(*route: str) -> Prepare:
    """Call another route about the same thing first, so that there is something to take back."""

    def prepare(world: World, call: Call, sql: Sql) -> Call:
        for name in route:
            body = ALL[name][1](world).json
            done = replace(call, json=body).send(
                _insider(world, name, call, sql), ENDPOINTS[name].method, ENDPOINTS[name].path, str(ids.new_id())
            )
            assert done.status_code < 300, done.text
        return call

    return prepare


def _out_of_the_store(_world: World, call: Call, _sql: Sql) -> Call:
    """Leave the store for its organization: one is in the store already."""
    return replace(call, json={"organization_id": call.json["organization_id"], "store_id": None})


def _signed_in_twice(_world: World, call: Call, _sql: Sql) -> Call:
    """Sign the same person in elsewhere, too."""
    assert isinstance(call.by, Person)
    call.by.at()
    return call


def _ordered_as_a_guest(world: World, _call: Call, _sql: Sql) -> Call:
    """Order by a contact that a customer proves only afterwards."""
    one = customers.customer(world)
    buyer = world.buyer | {"contact": {**world.buyer["contact"], "email": one.email}}
    order = {"lines": [{"sku": world.sku, "quantity": 1}], **buyer}
    world.made(world.store.merchant.post("/orders", json=order, key=True))
    return Call(by=one.client)


# What comes before a case that would change nothing of what is so already.
FIRST: dict[str, Prepare] = {
    "customers-claim-account-orders": _ordered_as_a_guest,
    "customers-enable-customer": _after("customers-disable-customer"),
    "identity-end-other-sessions": _signed_in_twice,
    "identity-enable-person": _after("identity-disable-person"),
    "identity-enter-place: the store where one works": _out_of_the_store,
    "organizations-edit-organization": lambda world, call, _: replace(call, json={"name": f"House {world.new_name()}"}),
    "organizations-let-member-back": _after("organizations-suspend-member"),
    "stores-edit-store": lambda world, call, _: replace(call, json={"name": f"Shop {world.new_name()}"}),
}

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture(scope="module")
def world(application: None) -> World:  # noqa: ARG001 -- worlds are made by its API
    """Return a world that the tests of a worker share: each case makes what it uses up."""
    return a_world()


@pytest.mark.parametrize("name", CHANGING)
def test_a_route_that_changes_something_leaves_what_it_changed(
    name: str, world: World, sql: Sql, figures: Figures
) -> None:
    route, case = ALL[name]
    endpoint, told = ENDPOINTS[route], str(ids.new_id())
    call = FIRST.get(name, _as_it_is)(world, case(world), sql)
    sent = replace(call, headers={**call.headers, "X-Correlation-Id": told})

    answer = sent.send(_insider(world, route, sent, sql), endpoint.method, endpoint.path, str(ids.new_id()))

    assert 200 <= answer.status_code < 300, answer.text
    entries = sql("select action, before, after from audit_entries where correlation_id = %s order by id", told)
    if route in NOTHING_CHANGED:
        assert entries == []
        return
    request = Request(route, endpoint.method, call.json, answer.text)
    assert offences(request, entries, NAMES.get(name, NAMES.get(route, NONE))) == []
    figures.add("audit of routes", calls=1, entries=len(entries))
    figures.add_distinct("audit of routes", "routes", [route])


@pytest.mark.parametrize(
    ("entry", "offence"),
    [
        (None, "no entry at all"),
        ({"action": "updated"}, "'updated' is no entity and verb"),
        ({"before": {"name": "a"}, "after": {"name": "a"}}, "says nothing of what changed"),
        ({"action": "store.updated", "before": None, "after": {"name": "b"}}, "does not say from what to what"),
        ({"before": {"slug": "a"}, "after": {"slug": "b"}}, "no entry has name, which the request changed"),
        ({"before": {"name": "a"}, "after": {"name": "b", "phone": "01712345678"}}, "has the phone of the request"),
        ({"before": {"name": "a"}, "after": {"name": "b", "token": "sk_" + "x" * 30}}, "has a credential in clear"),
    ],
)
def test_the_check_notices_an_entry_that_tells_too_little_or_too_much(
    entry: dict[str, Any] | None, offence: str
) -> None:
    body = {"name": "b", "phone": "01712345678"}
    request = Request("stores-edit", "PATCH", body, json.dumps({"token": "sk_" + "x" * 30}))
    whole = {"action": "store.renamed", "before": {"name": "a"}, "after": {"name": "b"}, **(entry or {})}

    found = offences(request, [whole] if entry is not None else [], Names(silent=frozenset({"phone"})))

    assert offence in "; ".join(found)
    assert len(found) == 1


def test_the_check_lets_pass_what_says_enough() -> None:
    request = Request("stores-edit", "PATCH", {"name": "b", "title": "x"}, "")
    whole = {"action": "store.updated", "before": {"name": "a", "label": "y"}, "after": {"name": "b", "label": "x"}}

    assert offences(request, [whole], Names({"title": "label"})) == []


@pytest.mark.parametrize("nothing", [None, {}])
def test_the_check_notices_an_entry_without_a_diff(nothing: dict[str, Any] | None) -> None:
    entry = {"action": "store.updated", "before": nothing, "after": nothing}

    found = offences(Request("stores-close", "POST", None), [entry], NONE)

    assert found == ["stores-close: store.updated says nothing of what changed"]


def _as_it_is(_world: World, call: Call, _sql: Sql) -> Call:
    return call


def _insider(world: World, route: str, call: Call, sql: Sql) -> Client:
    """Return who may send a call."""
    endpoint = ENDPOINTS[route]
    if call.by is not None:
        return call.by
    if DECLARED[route].tenant != "store" and endpoint.audience == "merchant":
        return world.at_work()
    clients = {"merchant": world.store.merchant, "storefront": world.store.shopper}
    return clients.get(endpoint.audience) or an_operator(sql, endpoint.permission or "admin.superuser")
