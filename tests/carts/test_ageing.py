"""The sweep over carts and its worker, by the handlers and events that Lambda knows."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from functions.carts import age as worker
from functions.carts import sweep
from infra.local import events
from shared.carts import ageing
from shared.core import clock, queues
from tests.checkout.purchases import a_cart
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_the_sweep_sends_one_message_a_store_and_the_worker_ages_its_carts(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, Mapping[str, Any]]] = []

    def take(queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        sent.extend((queue, body) for body in bodies)

    monkeypatch.setattr(queues, "send", take)
    one, other = a_store(), a_store()
    carts = [a_cart(one), a_cart(one), a_cart(other)]

    with clock.frozen(clock.now() + ageing.ABANDONED_AFTER + timedelta(seconds=1)):
        sweep.handler(events.schedule_event("carts-sweep"), events.context("carts-sweep"))
        ours = [(queue, body) for queue, body in sent if UUID(body["store_id"]) in (one.id, other.id)]
        messages = [f'{{"store_id": "{body["store_id"]}"}}' for _, body in ours]
        answer = worker.handler(events.sqs_event("cart-ageing", [*messages, messages[0]]), events.context("carts-age"))

    assert sorted(body["store_id"] for _, body in ours) == sorted([str(one.id), str(other.id)])
    assert {queue for queue, _ in ours} == {"cart-ageing"}
    assert answer == {"batchItemFailures": []}
    assert [cart.read()["state"] for cart in carts] == ["abandoned"] * 3
    assert [cart.read()["version"] for cart in carts] == [2] * 3  # the message that came twice aged nothing twice


def test_one_message_that_cannot_be_read_fails_alone() -> None:
    store = a_store()
    cart = a_cart(store)
    good, bad = f'{{"store_id": "{store.id}"}}', '{"store_id": "nobody"}'

    with clock.frozen(clock.now() + ageing.ABANDONED_AFTER + timedelta(seconds=1)):
        answer = worker.handler(events.sqs_event("cart-ageing", [bad, good]), events.context("carts-age"))

    assert len(answer["batchItemFailures"]) == 1
    assert cart.read()["state"] == "abandoned"
