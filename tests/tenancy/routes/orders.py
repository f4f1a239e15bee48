"""Calls of orders."""

from urllib.parse import parse_qs, urlsplit

from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

simple("orders-list-orders", lambda _: Call())
simple("orders-get-order", lambda world: Call(path={"order_id": world.order()["id"]}))
simple("orders-list-payments", lambda world: Call(path={"order_id": world.order()["id"]}))
simple("orders-cancel-order", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))
simple("orders-fulfill-order", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))
simple("orders-collect-payment", lambda world: Call(path={"order_id": world.order()["id"]}, json={}))


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


simple("orders-get-guest-order", _by_the_guests_link)
simple("orders-show-guest-order", _by_the_guests_link)
