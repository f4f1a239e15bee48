"""Consumers that take a batch's messages together: for work that costs the same for one thing as for ten.

A queue hands over up to `batch` messages at once. Those of one store go to the function in one transaction, each event
once, as with any consumer. If that fails, each is tried by itself, so that a poison message keeps no other waiting.
Messages that carry no event and say no more than that a store has work are one message a store.
"""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, context, database, telemetry
from shared.core.consumers import Consumer, Facts, event_of
from shared.core.declarations import ConsumerDeclaration
from shared.core.outbox import DomainEvent
from shared.core.principal import Principal

type Body = dict[str, Any]
type Take = Callable[[Sequence[DomainEvent], Session], None]

_MARK = text("""
insert into consumed_events (store_id, consumer, event_id, consumed_at)
select :store_id, :consumer, id, :now from unnest(cast(:ids as uuid[])) as given (id) order by id
on conflict do nothing returning event_id
""")


class BatchConsumer(Consumer):
    """A consumer whose function takes the events of a store that came together, and the session."""

    def __init__(self, declared: ConsumerDeclaration, call: Take) -> None:
        """Join the declaration with the function."""
        super().__init__(declared, call, lambda body: self._take_together([body]))

    def handler(self, event: Body, lambda_context: Any) -> Body:  # noqa: ANN401 -- AWS's own shapes
        """Take an SQS batch; return the messages that failed, which SQS delivers again."""
        alone: list[Body] = []
        by_store: dict[UUID, list[Body]] = {}
        for record in event["Records"]:
            store_id = _store_of(record)
            if store_id is None:
                alone.append(record)  # fails as it would in any consumer, with a line in the log
            else:
                by_store.setdefault(store_id, []).append(record)
        for store_id, records in by_store.items():
            if len(records) < 2 or not self._went_together(store_id, records):  # noqa: PLR2004 -- one is no batch
                alone += records
        if not alone:
            return {"batchItemFailures": []}
        return super().handler({"Records": alone}, lambda_context)

    def _went_together(self, store_id: UUID, records: Sequence[Body]) -> bool:
        started = time.perf_counter()
        bodies = [json.loads(record["body"]) for record in records]
        scope = context.Context(
            correlation_id=str(bodies[0].get("correlation_id") or records[0]["messageId"]),
            request_id=records[0]["messageId"],
            function=self.declared.queue,
            principal=Principal(kind="system", id=self.declared.queue),
            store_id=store_id,
        )
        with context.entered(scope), telemetry.traced(self.declared.queue):
            try:
                self._take_together(bodies)
            except Exception:  # noqa: BLE001 -- whoever of them is to blame fails by itself, and is logged then
                telemetry.logger().warning("A batch failed; its messages are tried one by one.")
                return False
            took = (time.perf_counter() - started) * 1000
            name = self.declared.queue
            telemetry.log_outcome("done", name=name, milliseconds=took, messages=[one["messageId"] for one in records])
        return True

    def _take_together(self, bodies: Sequence[Body]) -> None:
        store_id = UUID(bodies[0]["store_id"])
        events = {UUID(body["event"]["id"]): event_of(self.declared, body) for body in bodies}
        with database.transaction(store_id) as session:
            mark = {"store_id": store_id, "consumer": self.declared.queue, "ids": list(events), "now": clock.now()}
            new = set(session.scalars(_MARK, mark))
            if new:
                self.call([told for event_id, told in events.items() if event_id in new], session)


def batch_consumer(queue: str, **facts: Unpack[Facts]) -> Callable[[Take], BatchConsumer]:
    """Declare a consumer of these domain events that takes what came together. See `ConsumerDeclaration`."""
    declared = ConsumerDeclaration(queue, **facts)
    return lambda call: BatchConsumer(declared, call)


class KickedConsumer(Consumer):
    """A consumer whose messages say no more than that a store has work, which is done by the rows.

    All of a batch were sent before it came, so the work that one of them starts is that of the others, too: each store
    is worked for once a batch, and where that fails, all of its messages come back.
    """

    def handler(self, event: Body, lambda_context: Any) -> Body:  # noqa: ANN401 -- AWS's own shapes
        """Take an SQS batch; return the messages that failed, which SQS delivers again."""
        alike: dict[UUID | str, list[Body]] = {}
        for record in event["Records"]:
            alike.setdefault(_store_of(record) or record["messageId"], []).append(record)
        answer = super().handler({"Records": [records[0] for records in alike.values()]}, lambda_context)
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        back = [records for records in alike.values() if records[0]["messageId"] in failed]
        return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for records in back for one in records]}


def _store_of(record: Body) -> UUID | None:
    """Return whose message it is; None where it can't be read."""
    try:
        return UUID(json.loads(record["body"])["store_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
