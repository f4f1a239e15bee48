"""Calls of carts and checkouts."""

from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

simple("carts-create-cart", lambda world: Call(json={"lines": [{"variant_id": world.variant_id}]}))


@calls("carts-create-cart")
def of_a_sku(world: World) -> Call:
    return Call(json={"lines": [{"sku": world.sku}]})


@calls("carts-get-cart")
def as_its_guest(world: World) -> Call:
    cart = world.cart()
    return Call(path={"cart_id": cart.id}, headers=cart.guest)


@calls("carts-add-line")
def of_a_variant(world: World) -> Call:
    cart = world.cart()
    return Call(path={"cart_id": cart.id}, headers=cart.guest, json={"variant_id": world.variant_id})


@calls("carts-add-line")
def by_sku(world: World) -> Call:
    cart = world.cart()
    return Call(path={"cart_id": cart.id}, headers=cart.guest, json={"sku": world.sku})


@calls("carts-set-quantity")
def of_a_line(world: World) -> Call:
    cart = world.cart()
    return Call(path={"cart_id": cart.id, "line_id": cart.line_id}, headers=cart.guest, json={"quantity": 3})


@calls("carts-remove-line")
def that_is_in_it(world: World) -> Call:
    cart = world.cart()
    return Call(path={"cart_id": cart.id, "line_id": cart.line_id}, headers=cart.guest)


@calls("checkout-start-checkout")
def of_a_cart(world: World) -> Call:
    cart = world.cart()
    return Call(headers=cart.guest, json=world.buyer | {"cart_id": cart.id})


@calls("checkout-get-checkout")
def under_way(world: World) -> Call:
    cart = world.cart()
    return Call(path={"checkout_id": world.checkout(cart)}, headers=cart.guest)


@calls("checkout-cancel-checkout")
def that_is_open(world: World) -> Call:
    cart = world.cart()
    return Call(path={"checkout_id": world.checkout(cart)}, headers=cart.guest)


@calls("checkout-complete-checkout")
def that_holds_stock(world: World) -> Call:
    cart = world.cart()
    path = {"checkout_id": world.checkout(cart)}
    return Call(path=path, headers=cart.guest, json={"payment_method": "cash_on_delivery"})


@calls("checkout-place-order")
def of_variants_and_skus(world: World) -> Call:
    other = Ref(world.product["variants"][1]["sku"])
    return Call(json=world.buyer | {"lines": [{"variant_id": world.variant_id}, {"sku": other}]})
