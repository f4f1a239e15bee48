"""Queue consumers: one message, one transaction, bound to the message's store.

SQS delivers at least once and in any order. A message that fails goes back alone; the others of its batch stand. A
consumer of domain events sees each event once: the mark that it was consumed is written in the transaction of its
effect. A consumer that talks to the outside does so in three steps (claim, work, settle), the middle one outside any
transaction.
"""

import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core import clock, context, database, ids, outbox, telemetry
from shared.core.declarations import ConsumerDeclaration
from shared.core.outbox import DomainEvent
from shared.core.principal import Principal
from shared.core.tenancy import Base

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


class Message(BaseModel):
    """What a queue carries: ids, never payloads or personal data. The row decides, not the message."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    store_id: UUID
    correlation_id: str | None = None


class ConsumedEvent(Base):
    """The mark that a consumer has had an event. Refuses a second one, hence never partitioned; purged in batches."""

    __tablename__ = "consumed_events"
    __table_args__ = (Index("consumed_events_by_time", "store_id", "consumed_at"),)

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    consumer: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    consumed_at: Mapped[datetime]


class Facts(TypedDict, total=False):
    """What a consumer may declare besides its queue: see `ConsumerDeclaration`."""

    batch: int
    timeout: int
    receives: int
    concurrency: int
    memory: int
    uses: tuple[str, ...]
    events: tuple[type[DomainEvent], ...]


_MARK = text("""
insert into consumed_events (store_id, consumer, event_id, consumed_at)
values (:store_id, :consumer, :event_id, :now) on conflict do nothing returning 1
""")


class Consumer:
    """A declared consumer: call it as the plain function that it is, or let Lambda call its `handler`."""

    def __init__(self, declared: ConsumerDeclaration, call: Callable[..., Any], take: Callable[[Any], None]) -> None:
        """Join the declaration with the function; `take` carries out one message, transactions included."""
        self.declared = declared
        self.call = call
        self._take = take
        self.__doc__ = call.__doc__
        self.__name__ = call.__name__
        self.__module__ = call.__module__

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 -- the wrapped function's own types
        """Call the plain function."""
        return self.call(*arguments)

    def handler(self, event: dict[str, Any], lambda_context: Any) -> dict[str, Any]:  # noqa: ANN401 -- AWS's own shapes
        """Take an SQS batch; return the messages that failed, which SQS delivers again."""
        # 30 ms that endpoints, which import this module for its declarations, need not pay.
        from aws_lambda_powertools.utilities.batch import (  # noqa: PLC0415 -- see above
            BatchProcessor,
            EventType,
            process_partial_response,
        )

        processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
        # A message alone may work for minutes, and what it tells meanwhile must not wait for its end.
        with outbox.kicks_gathered() if len(event["Records"]) > 1 else nullcontext():
            return dict(process_partial_response(event, self._one, processor, lambda_context))

    def _one(self, record: "SQSRecord") -> None:
        started = time.perf_counter()
        body = json.loads(record.body)
        scope = context.Context(
            correlation_id=str(body.get("correlation_id") or ids.new_id()),
            request_id=record.message_id,
            function=self.declared.queue,
            principal=Principal(kind="system", id=self.declared.queue),
            store_id=UUID(body["store_id"]),
        )
        with context.entered(scope), telemetry.traced(self.declared.queue):
            outcome = "failed"
            try:
                self._take(body)
                outcome = "done"
            except Exception:
                telemetry.logger().exception("message failed")  # the batch processor tells SQS, and nobody else
                raise
            finally:
                took = (time.perf_counter() - started) * 1000
                name, message_id = self.declared.queue, record.message_id
                telemetry.log_outcome(outcome, name=name, milliseconds=took, message_id=message_id)


def consumer(queue: str, **facts: Unpack[Facts]) -> Callable[[Callable[..., None]], Consumer]:
    """Declare a consumer: a function of a message (with `events=`, of one of these domain events) and a session.

    The session is bound to the message's store and commits when the function returns. See `ConsumerDeclaration`.
    """
    declared = ConsumerDeclaration(queue, **facts)

    def declare(call: Callable[..., None]) -> Consumer:
        if declared.events:
            return Consumer(declared, call, lambda body: _take_event(declared, call, body))
        return Consumer(declared, call, lambda body: _take_message(call, body))

    return declare


def consumer_in_steps[M: Message | DomainEvent, C, R](
    queue: str,
    *,
    claim: Callable[[M, Session], C | None],
    work: Callable[[C], R],
    settle: Callable[[C, R, Session], None],
    kind: type[Consumer] = Consumer,
    **facts: Unpack[Facts],
) -> Consumer:
    """Declare a consumer that talks to the outside: claim in a transaction, work in none, settle in another.

    `claim` decides by the row and returns what is to be done, or None when there is nothing (any more); it leaves a
    lease in the row, so that a crash in the middle is taken up again. `work` turns expected failures into a result;
    what it raises returns the message to the queue. With `events=`, `claim` takes one of these events and refuses a
    second time by its row. `kind`: how a batch is taken, see `batches`.
    """
    declared = ConsumerDeclaration(queue, **facts)

    def take(body: dict[str, Any]) -> None:
        store_id = UUID(body["store_id"])
        message: Any = event_of(declared, body) if declared.events else _message_type(claim).model_validate(body)
        with database.transaction(store_id) as session:
            claimed = claim(message, session)
        if claimed is None:
            return
        result = work(claimed)
        with database.transaction(store_id) as session:
            settle(claimed, result, session)

    return kind(declared, claim, take)


def _take_message(call: Callable[..., None], body: dict[str, Any]) -> None:
    message = _message_type(call).model_validate(body)
    with database.transaction(message.store_id) as session:
        call(message, session)


def _take_event(declared: ConsumerDeclaration, call: Callable[..., None], body: dict[str, Any]) -> None:
    event = event_of(declared, body)
    store_id, event_id = UUID(body["store_id"]), UUID(body["event"]["id"])
    with database.transaction(store_id) as session:
        mark = {"store_id": store_id, "consumer": declared.queue, "event_id": event_id, "now": clock.now()}
        if session.execute(_MARK, mark).first() is not None:
            call(event, session)


def event_of(declared: ConsumerDeclaration, body: dict[str, Any]) -> DomainEvent:
    """Read the event that a message carries."""
    kinds = {kind.type: kind for kind in declared.events}
    return kinds[body["event"]["type"]].model_validate(body["event"]["payload"])


def _message_type(call: Callable[..., Any]) -> type[Message]:
    kind = next(iter(get_type_hints(call).values()))
    if not (isinstance(kind, type) and issubclass(kind, Message)):
        message = f"{call.__module__}.{call.__name__}: its first parameter must be a Message."
        raise TypeError(message)
    return kind
