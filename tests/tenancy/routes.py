"""How each route is called with a store's own things. A new route joins here, or the suite fails and says so.

A route that takes an id in several ways has several cases: every field that can name something is named in one.
"""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from shared.core import ids
from tests.tenancy.calls import Call
from tests.tenancy.world import Ref, World

type Case = Callable[[World], Call]

CASES: dict[str, tuple[str, Case]] = {}  # by the case's name: the route's name, and what makes the call

# Routes that serve no store's data; what they say of themselves stands in their declaration.
WITHOUT_STORE: dict[str, Call] = {
    "docs-explain-problem": Call(path={"code": "not_found"}),
    "docs-get-docs": Call(),
    "docs-get-docs-asset": Call(path={"asset": "start.js"}),
    "docs-get-openapi": Call(),
    "stores-answer-preflight": Call(path={"path": "carts"}, headers={"Origin": "https://shop.example"}),
}


def calls(route: str) -> Callable[[Case], Case]:
    """Register a case of a route."""

    def register(case: Case) -> Case:
        name = f"{route}: {case.__name__.replace('_', ' ')}"
        assert name not in CASES, name
        CASES[name] = (route, case)
        return case

    return register


def _simple(route: str, case: Case) -> None:
    CASES[route] = (route, case)


_simple("stores-get-store", lambda _: Call())
_simple("stores-edit-store", lambda world: Call(json={"name": f"Shop {world.word}", "locale": "bn-BD"}))
_simple("stores-get-storefront", lambda _: Call())
_simple(
    "stores-open-store",
    lambda world: Call(
        json={
            "name": f"Branch {world.word}",
            "slug": f"branch-{ids.new_id().hex[-12:]}",
            "owner_email": "owner@shop.test",
        }
    ),
)
_simple("identity-list-credentials", lambda _: Call())
_simple("identity-issue-token", lambda _: Call(json={"name": "Till", "scopes": ["order.read"]}))
_simple("identity-issue-publishable-key", lambda _: Call())
_simple("identity-revoke-credential", lambda world: Call(path={"credential_id": world.credential()[0]}))


_simple("catalog-list-products", lambda _: Call())
_simple("catalog-create-product", lambda world: Call(json={"title": "Mug", "variants": [world.new_variant()]}))
_simple("catalog-get-product", lambda world: Call(path={"product_id": world.product["id"]}))
_simple(
    "catalog-edit-product",
    lambda world: Call(path={"product_id": world.product["id"]}, json={"description": f"New {world.new_name()}"}),
)
_simple("catalog-delete-product", lambda world: Call(path={"product_id": world.new_product()["id"]}))
_simple("catalog-list-variants", lambda world: Call(path={"product_id": world.product["id"]}))
_simple(
    "catalog-add-variant",
    lambda world: Call(path={"product_id": world.new_product()["id"]}, json=world.new_variant()),
)
_simple("catalog-get-variant", lambda world: Call(path={"variant_id": world.variant_id}))
_simple(
    "catalog-edit-variant",
    lambda world: Call(path={"variant_id": world.new_product()["variants"][0]["id"]}, json={"price": 1234}),
)
_simple("catalog-delete-variant", lambda world: Call(path={"variant_id": world.new_product()["variants"][0]["id"]}))
_simple("catalog-browse-products", lambda _: Call())
_simple("catalog-view-product", lambda world: Call(path={"slug": world.slug}))


@calls("catalog-list-products")
def from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/products")}, narrows=True)


@calls("catalog-list-products")
def by_slug(world: World) -> Call:
    return Call(query={"slug": world.slug}, narrows=True)


@calls("catalog-browse-products")
def goods_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/storefront/products")}, narrows=True)


@calls("catalog-browse-products")
def by_its_words(world: World) -> Call:
    return Call(query={"q": Ref(world.word)}, narrows=True)


@calls("catalog-restore-product")
def that_was_deleted(world: World) -> Call:
    product_id = world.new_product()["id"]
    world.made(world.store.merchant.delete(f"/products/{product_id}"))
    return Call(path={"product_id": product_id})


@calls("catalog-restore-variant")
def of_a_product_that_stayed(world: World) -> Call:
    variant_id = world.new_product()["variants"][0]["id"]
    world.made(world.store.merchant.delete(f"/variants/{variant_id}"))
    return Call(path={"variant_id": variant_id})


_simple("inventory-list-stock", lambda _: Call())
_simple("inventory-list-adjustments", lambda _: Call())
_simple("inventory-reconcile-stock", lambda _: Call())
_simple("inventory-get-stock", lambda world: Call(path={"variant_id": world.variant_id}))
_simple(
    "inventory-edit-stock-rules", lambda world: Call(path={"variant_id": world.variant_id}, json={"safety_stock": 3})
)
_simple(
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


_simple("carts-create-cart", lambda world: Call(json={"lines": [{"variant_id": world.variant_id}]}))


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


_simple("orders-list-orders", lambda _: Call())
_simple("orders-get-order", lambda world: Call(path={"order_id": world.order()["id"]}))
_simple("orders-list-payments", lambda world: Call(path={"order_id": world.order()["id"]}))
_simple("orders-cancel-order", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))
_simple("orders-fulfill-order", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))
_simple("orders-collect-payment", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))


@calls("orders-fulfill-order")
def line_by_line(world: World) -> Call:
    order = world.order()
    lines = [{"order_line_id": order["lines"][0]["id"], "quantity": 1}]
    return Call(path={"order_id": order["id"]}, json={"lines": lines})


@calls("orders-list-orders")
def of_a_phone(world: World) -> Call:
    world.order()
    return Call(query={"phone": world.phone}, narrows=True)


@calls("orders-list-orders")
def orders_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/orders")}, narrows=True)


def _by_the_guests_link(world: World) -> Call:
    bought = world.bought()
    token = parse_qs(urlsplit(bought["order_link"]).query)["token"][0]
    return Call(path={"order_id": bought["order"]["id"]}, query={"token": Ref(token)})


_simple("orders-get-guest-order", _by_the_guests_link)
_simple("orders-show-guest-order", _by_the_guests_link)
