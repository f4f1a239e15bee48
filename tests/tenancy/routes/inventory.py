"""Calls of stock."""

from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import World

simple("inventory-list-stock", lambda _: Call())
simple("inventory-list-adjustments", lambda _: Call())
simple("inventory-reconcile-stock", lambda _: Call())
simple("inventory-get-stock", lambda world: Call(path={"variant_id": world.variant_id}))
simple(
    "inventory-edit-stock-rules", lambda world: Call(path={"variant_id": world.variant_id}, json={"safety_stock": 3})
)
simple(
    "inventory-adjust-stock",
    lambda world: Call(path={"variant_id": world.variant_id}, json={"delta": 1, "reason": world.word}),
)


@calls("inventory-set-stock")
def to_what_was_counted(world: World) -> Call:
    variant_id = world.new_product()["variants"][0]["id"]
    on_hand = world.made(world.store.merchant.get(f"/inventory/{variant_id}"))["on_hand"]
    return Call(path={"variant_id": variant_id}, json={"on_hand": on_hand + 1, "expected_on_hand": on_hand})


@calls("inventory-list-stock")
def of_one_variant(world: World) -> Call:
    return Call(query={"variant_id": world.variant_id}, narrows=True)


@calls("inventory-list-stock")
def levels_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/inventory")}, narrows=True)


@calls("inventory-list-adjustments")
def of_a_variant_and_an_order(world: World) -> Call:
    return Call(query={"variant_id": world.variant_id, "order_id": world.order()["id"]}, narrows=True)


@calls("inventory-list-adjustments")
def adjustments_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/inventory/adjustments")}, narrows=True)
