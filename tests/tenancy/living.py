"""A store that lives: something is bought and handed over, and every consumer of the system has had its messages."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.orm import Session

from infra.local import events, routing
from shared.audit import archives, rows
from shared.audit.archives import Kept, Part
from shared.core import ids, outbox, queues, tenancy, topology
from shared.core.settings import use_settings
from shared.identity.events import PasswordResetAsked
from shared.search import invalidation, surrogates
from tests.imports import files
from tests.tenancy.routes import customers, groups
from tests.tenancy.shelving import shelve
from tests.tenancy.world import World

type Body = Mapping[str, Any]


@dataclass(frozen=True)
class Delivery:
    """One message as its queue delivered it, and whether its consumer took it."""

    queue: str
    body: Body
    taken: bool


@contextmanager
def queues_kept() -> Iterator[list[tuple[str, Body]]]:
    """Keep what is sent to queues, events by the topology's subscriptions among it, instead of sending it."""
    sent: list[tuple[str, Body]] = []

    def send(queue: str, bodies: Sequence[Body]) -> None:
        sent.extend((queue, body) for body in bodies)

    with pytest.MonkeyPatch.context() as patch, use_settings(subscriptions=topology.load().subscriptions):
        patch.setattr(queues, "send", send)
        yield sent


def live(world: World) -> list[Delivery]:
    """Fill every table of a store; return the messages that were delivered on the way."""
    shelve(world)
    world.made(world.store.merchant.post(f"/media/{groups.picture(world)}/uploaded"))
    order = world.order()
    world.made(world.store.merchant.post(f"/orders/{order['id']}/fulfillments", json={}, key=True))
    world.bought()
    customers.address_of(world, customers.customer(world))
    world.checkout(world.cart())
    brand = world.made(world.store.merchant.post("/brands", json={"name": world.new_name()}))
    world.made(world.store.merchant.patch(f"/products/{world.product['id']}", json={"brand": brand["id"]}))
    world.made(world.store.merchant.post("/search/rebuild"))
    files.started(world.store, files.written([files.product(f"tea-{world.new_name()}", Variant_Price=world.word)]))
    world.made(world.store.merchant.post("/exports", json={"format": "shopify_csv"}))
    with world.store.session() as session:  # the platform's in life; here the store's, so that it is told with the rest
        outbox.record(session, PasswordResetAsked(request_id=ids.new_id(), fingerprint=ids.new_id().hex))
    store_id = {"store_id": str(world.store.id)}
    told_of_events = {one.queue for one in topology.load().consumers if one.events}
    delivered = []
    with queues_kept() as waiting:
        # What schedules send to the queues that no event leads to, and the kick that a commit with events sends.
        waiting += [(one.queue, store_id) for one in topology.load().consumers if not one.events]
        waiting.append(("search-misses", {**store_id, "text": world.word}))
        assert (outbox.QUEUE, store_id) in waiting
        while waiting:
            queue, body = waiting.pop(0)
            delivered.append(Delivery(queue, body, deliver(queue, body)))
            if queue in told_of_events:
                waiting.append((outbox.QUEUE, store_id))
    with queues_kept(), use_settings(edge_distribution=invalidation.LOCAL), world.store.session() as session:
        invalidation.outdate(session, [surrogates.store(world.store.id)])  # the edge was not told yet
        archived_once(session)
    files.half_done(world.store, files.written([files.product(f"pot-{world.new_name()}")]))
    world.made(world.store.merchant.patch("/store", json={"name": f"Shop {world.word} again"}))  # told to nobody yet
    return delivered


def archived_once(session: Session) -> None:
    """Note that a month of the store's audit log is archived; a store that is new has none."""
    store_id, entry_id = tenancy.require_store(session), ids.new_id()
    part = Part(store_id, rows.month_of(entry_id), 1, [{"id": str(entry_id)}])
    archives.settle(session, part, Kept(1, bytes(32)))


def deliver(queue: str, body: Body) -> bool:
    """Give a message to its queue's consumer, as SQS does; return whether it took it."""
    consumer = next(one for one in topology.load().consumers if one.queue == queue)
    message = {"messageId": str(ids.new_id()), "body": json.dumps(body), "eventSource": "aws:sqs"}
    context = events.context(consumer.name, memory=consumer.memory, timeout=consumer.timeout)
    failed = routing.handler(consumer.handler)({"Records": [message]}, context)
    return bool(failed == {"batchItemFailures": []})
