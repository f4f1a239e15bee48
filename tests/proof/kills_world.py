"""A store for the kills, and the queues around its functions: files, since what was sent outlives its sender."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from functions.events import relay as relay_function
from functions.events import sweep_outbox
from infra.local import events
from shared.core import consumers, ids, outbox, queues, relay, token_uses
from shared.core.clock import FrozenClock
from shared.core.settings import settings
from shared.messaging import local_files
from tests.client import Answer, Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product
from tests.proof import kills_facts
from tests.proof.kills_steps import watched
from tests.tenancy.world import Ref
from tests.tenancy.world import World as AllKinds

PLENTY = 1_000_000
ORDERS, MESSAGES = "order-confirmations", "outgoing-messages"  # the queues that subscribe to events


@dataclass(frozen=True)
class QueueFile:
    """Every message to every queue, one a line, in the order in which SQS would have taken it."""

    path: Path

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 -- AWS's own names
        """Take a batch, as SQS does: it is kept before this returns."""
        queue = QueueUrl.removeprefix(settings().queue_prefix)
        lines = "".join(json.dumps([queue, entry["MessageBody"]]) + "\n" for entry in Entries)
        with self.path.open("ab", buffering=0) as file:
            file.write(lines.encode())
        return {}

    def size(self) -> int:
        """Return where the next message will stand."""
        return self.path.stat().st_size if self.path.exists() else 0

    def since(self, mark: int, queue: str) -> list[str]:
        """Return what was sent to a queue since `mark`."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(mark)
            sent = [json.loads(line) for line in file]
        return [body for name, body in sent if name == queue]


def put_queues_into(path: Path) -> QueueFile:
    """Let all functions of this process, and of its children, send to a file; count what goes out as steps."""
    file = QueueFile(path)
    file.path.touch()
    client: Any = file
    queues._client = lambda: client  # SQS is outside; all of our own code stays
    sending = watched("a batch of messages", QueueFile.send_message_batch)
    QueueFile.send_message_batch = sending  # type: ignore[method-assign] # to count it
    telling = watched("a message to a person", local_files.LocalFiles.send)
    local_files.LocalFiles.send = telling  # type: ignore[method-assign] # to count it
    return file


@dataclass
class World:
    """A store with goods, whose time stands still until it is moved."""

    sql: Sql
    clock: FrozenClock
    sent: QueueFile
    store: StoreUnderTest
    since: UUID  # nobody of this world is older
    skus: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, rng: Random, sql: Sql, clock: FrozenClock, sent: QueueFile) -> "World":
        """Open a store of some kind, with a first order in it, so that no counter is new any more."""
        facts = {
            "max_open_checkouts_per_phone": 1000,
            "max_open_checkouts_per_ip": 10_000,
            "tax_rate": rng.choice(["0", "0.15", "0.075"]),
            "prices_include_tax": rng.random() < 0.5,
            "shipping_flat_rate": rng.choice([0, 6000]),
        }
        since = ids.new_id()
        store = a_store(settings=facts)
        world = cls(sql, clock, sent, store, since, [f"SKU-{number}" for number in range(rng.randint(2, 5))])
        for sku in world.skus:
            add_product(store, sku, price=rng.randint(1, 500_000), stock=PLENTY)
        world.order({world.skus[0]: 1})
        # The same of the platform's counter; and a process asks of a key that it knows along with its first statement.
        Client().post("/password-reset", json={"email": f"{since.hex}@people.test"})
        store.shopper.get("/storefront/store")
        # That a token is in use is written by the clock, and would be a step of some trials and of others not.
        token_uses.EVERY = timedelta(days=3650)
        sql("update credentials set last_used_at = now() + interval '10 years' where store_id = %s", store.id)
        world.drain()
        return world

    @cached_property
    def things(self) -> AllKinds:
        """What the walls' cases make their requests of: things of every kind, in the same store."""
        tail = self.store.id.hex[-12:]
        return AllKinds(self.store, f"canary{tail}", Ref(f"+88017{self.store.id.int % 10**8:08}"))

    def basket(self, rng: Random) -> dict[str, int]:
        """Return some of the goods, by SKU."""
        chosen = rng.sample(self.skus, rng.randint(1, len(self.skus)))
        return {sku: rng.randint(1, 9) for sku in chosen}

    def order(self, wanted: dict[str, int]) -> dict[str, Any]:
        """Place an order; return it as the merchant sees it."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
        placed = self.store.merchant.post("/orders", json={**BUYER, "lines": lines}, key=True)
        assert placed.status_code == 201, placed.text
        order: dict[str, Any] = placed.json()
        return order

    def tick(self, **by: float) -> None:
        """Let time pass."""
        self.clock.tick(timedelta(**by))

    def drain(self) -> list[str]:
        """Relay what waits, found by the sweep alone: every kick was lost. Return what goes to the confirmations."""
        self.clock.tick(relay.LEASE + timedelta(seconds=1))
        mark = self.sent.size()
        sweep_outbox.handler(events.schedule_event("events-sweep-outbox"), events.context("events-sweep-outbox"))
        for body in self.sent.since(mark, outbox.QUEUE):
            deliver(relay_function.events, body)
        return self.sent.since(mark, ORDERS)

    def told_since(self, mark: int) -> list[str]:
        """Return queue and type of each event that was told: one that was told twice, with one number, is one."""
        told = set()
        for queue in (ORDERS, MESSAGES):
            for body in self.sent.since(mark, queue):
                event = json.loads(body)["event"]
                told.add((queue, event["type"], event["id"], event["sequence"]))
        return [f"{queue} told of {kind}" for queue, kind, *_ in told]

    def facts(self) -> kills_facts.Facts:
        """Return every number of the tables of the store and of all around it."""
        return kills_facts.of_all(self.sql, self.since)


BUYER: dict[str, Any] = {
    "contact": {"name": "Rahim Uddin", "phone": "+8801712345678"},
    "shipping_address": {"line1": "House 1, Road 2", "city": "Dhaka"},
}


def deliver(consumer: consumers.Consumer, body: str) -> Answer:
    """Hand one message to its consumer, as SQS does; the answer is what Lambda returns."""
    event = events.sqs_event(consumer.declared.queue, [body])
    result = consumer.handler(event, events.context(consumer.declared.queue))
    for failure in result["batchItemFailures"]:
        failure["itemIdentifier"] = "it"
    return Answer(200, {}, json.dumps(result).encode())
