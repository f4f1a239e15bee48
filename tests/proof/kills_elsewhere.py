"""What writes and moves neither money nor stock: every other route, by its case among the walls, and every consumer.

They are killed by turns, each boundary once: what people and organizations do, too, and what belongs to the platform. A
consumer's message is made by what makes it in life.
"""

import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random

from shared.core import audit, consumers, topology
from shared.core.topology import Endpoint
from shared.search import invalidation
from shared.stores import upkeep
from tests.checkout.purchases import a_cart
from tests.client import Answer, Client
from tests.media import corpus, way
from tests.proof.kills_acts import Act, Call, new_key
from tests.proof.kills_background import message
from tests.proof.kills_world import World, deliver
from tests.staff import a_person
from tests.tenancy import calls
from tests.tenancy.routes import BY_ANYBODY, CASES
from tests.tenancy.routes.jobs import cancel_all
from tests.tenancy.routes.registry import Case
from tests.tenancy.world import World as AllKinds
from tests.tenancy.world import an_operator

# The edge's preflight writes nothing.
NOT_WRITING = frozenset({"GET", "OPTIONS"})
# Where no key keeps the answer, what who asks again is answered once it has happened. Whoever did one of the first may
# not ask again: their session or its token went with it, or what they were.
ANEW = {
    "customers-delete-account": 401,
    "customers-end-customer-session": 401,
    "customers-sign-out-customer": 401,
    "customers-sign-out-customer-everywhere": 401,
    "identity-sign-out": 401,
    "identity-change-password": 401,
    "identity-confirm-authenticator": 401,
    "identity-enter-place": 401,
    "identity-remove-authenticator": 401,
    "identity-step-up": 401,
    "organizations-leave-organization": 403,
    "organizations-transfer-ownership": 403,
    # A link, a code, an invitation opens once.
    "identity-complete-at-issuer": 401,
    "identity-complete-sign-in": 410,
    "identity-reset-password": 410,
    "identity-verify-email": 410,
    "organizations-sign-up-by-invitation": 404,
    # Of nobody is it known whether they asked before: another session, another mail.
    "identity-ask-for-password-reset": 202,
    "identity-begin-at-issuer": 200,
    "identity-sign-in": 200,
    "identity-sign-up": 202,
}
# The issuer takes its code once: who was killed after showing it goes there again.
SPENDING = frozenset({"identity-complete-at-issuer"})

_networks = count(1)  # each stranger comes from another one, so that nobody has tried too often


def acts(known: frozenset[str]) -> tuple[Act, ...]:
    """Return an act for each writing route and consumer that is not known yet, in the order of their names."""
    return tuple(sorted((*_of_routes(known), *_of_consumers(known)), key=lambda act: act.name))


def _of_routes(known: frozenset[str]) -> Iterator[Act]:
    endpoints = {endpoint.name: endpoint for endpoint in topology.load().endpoints}
    strangers: dict[str, tuple[str, Case]] = {
        route: (route, partial(_of_a_stranger, make)) for route, make in BY_ANYBODY.items()
    }
    for name, (route, case) in (CASES | strangers).items():
        endpoint = endpoints[route]
        if endpoint.method not in NOT_WRITING and route not in known:
            prepare = partial(_sent, endpoint, case)
            spends = route in SPENDING
            yield Act(f"elsewhere: {name}", route, prepare, exact=False, anew=ANEW.get(route), spends=spends)


def _of_a_stranger(make: Callable[[], calls.Call], _things: AllKinds) -> calls.Call:
    return replace(make(), by=_a_stranger())


def _a_stranger() -> Client:
    number = next(_networks)
    return Client(source_ip=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


def _sent(endpoint: Endpoint, case: Case, world: World, _rng: Random) -> Call:
    things = world.things
    if endpoint.domain in {"imports", "jobs"}:
        cancel_all(things)
    if endpoint.name == "stores-edit-store":
        things.made(world.store.merchant.patch("/store", json={"name": things.new_name(), "locale": "en-US"}))
    if endpoint.domain == "organizations":
        world.tick(days=1)  # one sends so many invitations a day, and opens so many stores
    if endpoint.name == "organizations-edit-organization":
        things.made(things.at_work().patch("/organization", json={"name": things.new_name()}))
    call, key = case(things), new_key()
    callers = {"merchant": world.store.merchant, "storefront": world.store.shopper}
    caller = call.by or callers.get(endpoint.audience) or an_operator(world.sql, endpoint.permission or "")
    world.drain()  # what was made for it is told before, as at any moment of rest

    def send() -> Answer:
        return call.send(caller, endpoint.method, endpoint.path, key)

    return Call(send)


def _of_consumers(known: frozenset[str]) -> Iterator[Act]:
    for one in topology.load().consumers:
        # A new one that is told of events has none yet, which the tests of this list tell; others are told of a store.
        making = _MAKING.get(one.queue, None if one.events else _tick)
        if one.name not in known and making is not None:
            yield Act(f"elsewhere: {one.name}", one.name, partial(_delivered, _consumer_of(one.queue), making))


def _delivered(consumer: consumers.Consumer, making: Callable[[World, str], str], world: World, _rng: Random) -> Call:
    if not consumer.declared.events:
        _come_to_rest(world, consumer)
    call = message(consumer, making(world, consumer.declared.queue))
    left = _LEFT_TO.get(consumer.declared.queue)
    return call if left is None else replace(call, sweep=partial(_swept, world, left))


def _come_to_rest(world: World, consumer: consumers.Consumer) -> None:
    """Let a consumer that finds its work in a store's rows do what acts before left behind."""
    # What upkeep forgets after days must not come due while the others' acts go on.
    world.tick(hours=80 if consumer.declared.queue == upkeep.QUEUE else 5)
    before, after = None, world.facts()
    while before != after:
        deliver(consumer, _tick(world, consumer.declared.queue))
        before, after = after, world.facts()


def _swept(world: World, queue: str) -> None:
    world.tick(minutes=20)
    deliver(_consumer_of(queue), _tick(world, queue))


def _tick(world: World, _queue: str) -> str:
    return json.dumps({"store_id": str(world.store.id)})


def _told_after(make: Callable[[World], object]) -> Callable[[World, str], str]:
    """Return what makes something, and returns what the relay told the queue of it at last."""

    def told(world: World, queue: str) -> str:
        mark = world.sent.size()
        make(world)
        world.drain()
        return world.sent.since(mark, queue)[-1]

    return told


def _due_after(make: Callable[[World], object]) -> Callable[[World, str], str]:
    """Return what makes something that a store's message then finds."""

    def due(world: World, queue: str) -> str:
        make(world)
        world.drain()
        return _tick(world, queue)

    return due


def _an_idle_cart(world: World) -> None:
    a_cart(world.store, {world.skus[0]: 1})
    world.tick(hours=5)


def _a_verification(world: World) -> None:
    cancel_all(world.things)
    world.things.made(world.store.merchant.post("/audit/verifications"))


def _an_export(world: World) -> None:
    cancel_all(world.things)
    world.things.made(world.store.merchant.post("/exports", json={"format": "shopify_csv"}))


def _a_picture(world: World) -> None:
    while world.sql("select id from media_assets where store_id = %s and due_at is not null", world.store.id):
        world.tick(hours=5)
        deliver(_consumer_of("due-pictures"), _tick(world, ""))  # what acts before left behind, until it is given up
    begun = way.begin(world.store, corpus.encoded(corpus.photo(40, 30), "JPEG"))
    world.things.made(world.store.merchant.post(f"/media/{begun['id']}/uploaded"))


def _a_picture_left_behind(world: World) -> None:
    _a_picture(world)
    world.tick(minutes=10)


def _a_product(world: World) -> None:
    world.things.new_product()
    world.store.show()  # its words are in the dictionary, those of the next are not
    world.things.new_product()


def _what_is_shown(world: World) -> None:
    world.things.new_product()
    world.store.show()  # what is not would be repaired, and told to operators as an error


def _a_brand_renamed(world: World) -> None:
    things, merchant = world.things, world.store.merchant
    _what_is_shown(world)  # its words are in the dictionary
    brand = things.made(merchant.post("/brands", json={"name": things.new_name()}))
    things.made(merchant.patch(f"/products/{things.new_product()['id']}", json={"brand": brand["id"]}))
    things.made(merchant.patch(f"/brands/{brand['id']}", json={"name": things.new_name()}))


def _another_name(world: World) -> None:
    world.things.made(world.store.merchant.patch("/store", json={"name": f"Shop {world.things.new_name()}"}))


def _an_outdated_edge(world: World) -> None:
    edge = _consumer_of("edge-outdating")
    deliver(edge, _told_after(_another_name)(world, edge.declared.queue))
    world.tick(minutes=1)


def _a_forgotten_password(world: World) -> None:
    person = a_person(world.things.new_name(), password="four green kettles")
    asked = _a_stranger().post("/password-reset", json={"email": person.email})
    assert asked.status_code == 202, asked.text


def _consumer_of(queue: str) -> consumers.Consumer:
    [one] = [one for one in topology.load().consumers if one.queue == queue]
    found: consumers.Consumer = importlib.import_module(one.handler.removesuffix(".handler")).handler.__self__
    return found


def _a_miss(world: World, _queue: str) -> str:
    return json.dumps({"store_id": str(world.store.id), "text": world.things.new_name()})


# What a message does not bring again: who had it died, and a sweep finds the row once the lease is over.
_LEFT_TO = {"uploaded-pictures": "due-pictures"}

# What makes the messages of each queue whose consumer moves neither money nor stock.
_MAKING: dict[str, Callable[[World, str], str]] = {
    audit.QUEUE: _due_after(_another_name),
    "audit-verification-jobs": _due_after(_a_verification),
    "cart-ageing": _due_after(_an_idle_cart),
    "due-jobs": _due_after(_an_export),
    "due-pictures": _due_after(_a_picture_left_behind),
    "edge-outdating": _told_after(_another_name),
    "password-resets": _told_after(_a_forgotten_password),
    invalidation.QUEUE: _due_after(_an_outdated_edge),
    "product-export-jobs": _due_after(_an_export),
    "product-summaries": _told_after(_a_product),
    "product-summaries-due": _due_after(_a_product),
    "queued-jobs": _told_after(_an_export),
    "search-misses": _a_miss,
    "summaries-of-groups": _told_after(_a_brand_renamed),
    "summary-checks": _due_after(_what_is_shown),
    "uploaded-pictures": _told_after(_a_picture),
}
