"""A purchase through the built asset: unpacked away from the checkout, under AWS's own runtime client.

Each function is an environment of its own, told what the cloud tells it (one endpoint, the edge's secret, one
connection), with this machine's PostgreSQL and queues. What it can't show is said in `runtime_api`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.local import aws
from infra.local.events import http_event, sqs_event
from shared.core.edge import SECRET_HEADER
from shared.core.topology import Topology
from tests.checkout.purchases import ADDRESS, CASH, CONTACT, a_cart
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.infra.runtime_api import Environment, Unpacked, running
from tests.infra.topologies import functions

SECRET = "between-the-edge-and-us"
PATIENCE = 60  # seconds for an answer; the first waits for its imports, while others import on the same cores


class Cloud:
    """Functions in their environments, which start side by side."""

    def __init__(self, topology: Topology, environments: Mapping[str, Environment]) -> None:
        """Serve these environments, by their functions' names."""
        self._endpoints = {one.name: one for one in topology.endpoints}
        self._consumers = {one.name: one for one in topology.consumers}
        self._environments = environments

    def ask(
        self, name: str, headers: Mapping[str, str], *, body: object = None, query: str = "", **places: str
    ) -> tuple[int, Any]:
        """Send an endpoint's function what the gateway would; `places` are in its path. Return status and body."""
        endpoint = self._endpoints[name]
        event = http_event(
            endpoint.method,
            endpoint.path.format(**places),
            route=endpoint.path,
            path_parameters=places,
            query=query,
            headers={"Content-Type": "application/json", **headers},
            body=json.dumps(body) if body is not None else b"",
        )
        answer = self._environments[name].invoke(event)
        return answer["statusCode"], json.loads(answer["body"])

    def hand(self, name: str, message: Mapping[str, Any]) -> None:
        """Hand a consumer's function a message until it takes it, as often as its queue would."""
        consumer = self._consumers[name]
        for _ in range(consumer.receives):
            event = sqs_event(consumer.queue, [json.dumps(message)])
            if not self._environments[name].invoke(event)["batchItemFailures"]:
                return
        raise AssertionError(self._environments[name].log())


@pytest.fixture
def services() -> Iterator[aws.Services]:
    """Run the queues' service."""
    running_services = aws.Services()
    running_services.start()
    yield running_services
    running_services.stop()


@pytest.fixture
def store(application: None) -> StoreUnderTest:  # noqa: ARG001 -- stores are opened by the application
    """Open a store with five mugs."""
    opened = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    opened.show()
    return opened


def test_a_purchase_through_the_unpacked_asset_makes_one_order(
    unpacked: Unpacked, committed: Topology, environment: dict[str, str], store: StoreUnderTest, sql: Sql
) -> None:
    shopping = ("search-browse-products", "carts-create-cart", "carts-add-line")
    buying = ("checkout-start-checkout", "checkout-complete-checkout", "orders-get-order")
    edge = {SECRET_HEADER: SECRET}
    shopper = {"X-Publishable-Key": store.publishable_key} | edge

    with ExitStack() as stack:
        cloud = start(stack, unpacked, committed, shopping + buying, environment | {"STORMCOM_ORIGIN_SECRET": SECRET})
        around, refused = cloud.ask("search-browse-products", shopper | {SECRET_HEADER: "guessed"})
        _, shelf = cloud.ask("search-browse-products", shopper, query=urlencode({"limit": 5}))
        _, cart = cloud.ask("carts-create-cart", shopper)
        shopper["X-Cart-Token"] = cart["token"]
        added, _ = cloud.ask("carts-add-line", shopper, body={"sku": "MUG", "quantity": 2}, cart_id=cart["id"])
        buyer = {"cart_id": cart["id"], "contact": CONTACT, "shipping_address": ADDRESS}
        started, checkout = cloud.ask("checkout-start-checkout", shopper, body=buyer)
        keyed = shopper | {"Idempotency-Key": "walk-through-the-asset"}
        completions = [
            cloud.ask("checkout-complete-checkout", keyed, body=CASH, checkout_id=checkout["id"]) for _ in range(2)
        ]
        merchant = {"Authorization": f"Bearer {store.secret_token}"} | edge
        bought = completions[0][1]["order"]
        read, order = cloud.ask("orders-get-order", merchant, order_id=bought["id"])

    assert (around, refused["code"]) == (403, "forbidden")
    assert [product["title"] for product in shelf["data"]] == ["Product MUG"]
    assert (added, started) == (200, 201)
    assert completions[0] == completions[1]
    assert (completions[0][0], bought["number"]) == (201, "#1001")
    assert (read, order["id"], order["total"]["amount"]) == (200, bought["id"], 96_000)
    assert sql("select count(*) as orders from orders where store_id = %s", store.id) == [{"orders": 1}]
    stock = store.stock("MUG")
    assert (stock["on_hand"], stock["reserved"]) == (3, 0)


def test_an_order_is_confirmed_by_the_unpacked_assets_relay_and_consumers(  # noqa: PLR0917 -- a whole machine
    unpacked: Unpacked,
    committed: Topology,
    environment: dict[str, str],
    services: aws.Services,
    store: StoreUnderTest,
    state: Path,
) -> None:
    client = aws.sqs(services.endpoint)
    queues = aws.create_queues(client, committed.consumers)
    told = environment | {
        "STORMCOM_QUEUE_PREFIX": services.queue_prefix,
        "STORMCOM_SUBSCRIPTIONS": json.dumps(committed.subscriptions),
        "AWS_ENDPOINT_URL": services.endpoint,
    }
    cart = a_cart(store, {"MUG": 2})
    assert cart.complete(cart.started()).status_code == 201

    with ExitStack() as stack:
        confirming = ("orders-confirm", "messaging-deliver")
        cloud = start(stack, unpacked, committed, ("events-relay", *confirming), told)
        for consumer in confirming:
            cloud.hand("events-relay", {"store_id": str(store.id)})
            queue = next(one.queue for one in committed.consumers if one.name == consumer)
            for message in client.receive_message(QueueUrl=queues[queue], MaxNumberOfMessages=10)["Messages"]:
                cloud.hand(consumer, json.loads(message["Body"]))

    written = [json.loads(file.read_text(encoding="utf-8")) for file in (state / "outgoing").glob("*.json")]
    [confirmation] = [message for message in written if message["store_id"] == str(store.id)]
    assert confirmation["channel"] == "sms"
    assert "#1001" in confirmation["text"]


def start(
    stack: ExitStack, unpacked: Unpacked, topology: Topology, names: tuple[str, ...], told: Mapping[str, str]
) -> Cloud:
    """Start an environment for each function, all at once; the stack ends them."""
    handlers = {one.name: one.handler for one in functions(topology)}
    endpoints = {one.name for one in topology.endpoints}

    def environment(name: str) -> dict[str, str]:
        only = {"STORMCOM_FUNCTION": name} if name in endpoints else {}
        return {**told, "STORMCOM_POOL_SIZE": "1", **only}

    running_ones = {
        name: stack.enter_context(running(unpacked, handlers[name], environment(name), patience=PATIENCE))
        for name in names
    }
    return Cloud(topology, running_ones)
