"""Calls of the audit trail."""

from tests.tenancy.calls import Call
from tests.tenancy.routes.jobs import cancel_all
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

simple("audit-list-entries", lambda _: Call())
simple("audit-get-entry", lambda world: Call(path={"entry_id": an_entry(world)}))
simple("audit-open-verification", lambda world: _fresh(world, Call()))
simple("audit-get-verification", lambda world: Call(path={"job_id": a_verification(world)}))


@calls("audit-list-entries")
def entries_from_a_cursor_on(world: World) -> Call:
    page = world.made(world.store.merchant.get("/audit/entries", params={"limit": 1}))["page"]
    return Call(query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True)


@calls("audit-list-entries")
def entries_of_one_thing(world: World) -> Call:
    return Call(query={"entity": "product", "entity_id": world.product["id"]}, narrows=True)


@calls("audit-list-entries")
def entries_of_one_actor(world: World) -> Call:
    [entry] = world.made(world.store.merchant.get("/audit/entries", params={"limit": 1}))["data"]
    return Call(query={"actor_id": Ref(entry["actor_id"])}, narrows=True)


def an_entry(world: World) -> str:
    [entry] = world.made(world.store.merchant.get("/audit/entries", params={"limit": 1}))["data"]
    found: str = entry["id"]
    return found


def a_verification(world: World) -> str:
    _fresh(world, None)
    opened: str = world.made(world.store.merchant.post("/audit/verifications"))["id"]
    return opened


def _fresh[T](world: World, call: T) -> T:
    """Cancel what is open, so that a store never has too many jobs."""
    cancel_all(world)
    return call
