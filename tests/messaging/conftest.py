"""What the tests of messages share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from functions.events import relay
from functions.messaging import deliver, deliver_due
from functions.orders import confirm
from infra.local import events
from shared.core import database, queues
from shared.core.settings import use_settings
from tests.factories import StoreUnderTest

HANDLERS = {
    "outbox": relay.handler,
    "order-confirmations": confirm.handler,
    "outgoing-messages": deliver.handler,
    "due-messages": deliver_due.handler,
}
SUBSCRIPTIONS = {"order.placed": ("order-confirmations",), "message.queued": ("outgoing-messages",)}


@dataclass
class Queues:
    """The queues between the functions: what was sent and not delivered yet, and what was delivered."""

    waiting: list[tuple[str, str]] = field(default_factory=list)
    delivered: list[tuple[str, str]] = field(default_factory=list)

    def send(self, queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        """Take what a function sends to SQS."""
        self.waiting += [(queue, json.dumps({"correlation_id": "test", **body})) for body in bodies]

    def run(self, store: StoreUnderTest) -> list[str]:
        """Tell the relay of the store's events, and hand everything to its consumers until nothing waits.

        Return the queues whose messages failed.
        """
        return self.run_for(store.id)

    def run_for(self, tenant_id: UUID) -> list[str]:
        """Do the same for a tenant that may be a person."""
        failed = []
        while True:
            self.send("outbox", [{"store_id": str(tenant_id)}])
            sent = len(self.waiting)
            while self.waiting:
                queue, body = self.waiting.pop(0)
                self.delivered.append((queue, body))
                failed += [queue] * len(deliver_to(queue, body))
            if sent == len(self.delivered) or not self._news(tenant_id):
                return failed

    def _news(self, tenant_id: UUID) -> bool:
        with database.transaction(tenant_id) as session:
            return bool(session.connection().exec_driver_sql("select 1 from outbox limit 1").first())


def deliver_to(queue: str, body: str) -> list[dict[str, str]]:
    """Give a message to its consumer as SQS does; return the failures that it reports."""
    answer = HANDLERS[queue](events.sqs_event(queue, [body]), events.context(queue))
    failures: list[dict[str, str]] = answer["batchItemFailures"]
    return failures


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the queues between the functions; the relay knows who subscribes."""
    collected = Queues()
    monkeypatch.setattr(queues, "send", collected.send)
    with use_settings(subscriptions=SUBSCRIPTIONS):
        yield collected


@pytest.fixture
def outgoing(state: Path) -> "Folder":
    """Return what the local channel wrote."""
    return Folder(state / "outgoing")


@dataclass
class Folder:
    """The folder of the local channel."""

    path: Path

    def of(self, store: StoreUnderTest) -> list[dict[str, Any]]:
        """Return the messages of one store."""
        return self.of_tenant(store.id)

    def of_tenant(self, tenant_id: UUID) -> list[dict[str, Any]]:
        """Return the messages of one tenant, who may be a person."""
        every = [json.loads(file.read_text(encoding="utf-8")) for file in self.path.glob("*.json")]
        return [message for message in every if message["store_id"] == str(tenant_id)]
