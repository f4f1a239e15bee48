"""Domain events: what happened in a store, told once the transaction that did it has committed.

A capability records an event in its own transaction. The row in `domain_events` is immutable history; the row in
`outbox` beside it is what the relay claims, sends to the subscribed queues and deletes (see `relay`). Events carry ids
and amounts, never personal data: a consumer that needs a name reads it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core import queues, telemetry
from shared.core.settings import settings
from shared.core.tenancy import Base, StoreOwned

QUEUE = "outbox"  # the relay's own queue

_PENDING = "pending_events"  # the key in Session.info
_LONGEST_GATHERING = 0.5  # seconds


class DomainEvent(BaseModel, ABC):
    """One kind of thing that happens; a subclass for each, in its domain's events.py.

    The fields of the subclass are the payload that subscribers see: additive within v1, ids as TypeIDs, money as
    money objects. `entity_id` and `entity_version` say which document changed and which version it has now, so that a
    consumer can drop what is older than it has seen.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)  # most processes that import an event never record one

    type: ClassVar[str]  # "order.placed"
    entity: ClassVar[str]  # "order"

    @abstractmethod
    def subject(self) -> tuple[UUID, int]:
        """Return the id of the entity that changed and the version that it has now."""

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""


class RecordedEvent(StoreOwned, Base):
    """An event as it happened; append-only. `id` is the event's id.

    Grows with every change of every store: 300 bytes a row; partitioned by month of its id, dropped once archived.
    """

    __tablename__ = "domain_events"
    __table_args__ = (
        Index("domain_events_by_entity", "store_id", "entity", "entity_id", "entity_version"),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    type: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[UUID]
    entity_version: Mapped[int]
    payload: Mapped[dict[str, Any]]
    correlation_id: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None]
    occurred_at: Mapped[datetime]


class OutboxEntry(StoreOwned, Base):
    """An event that has not been handed to its subscribers yet; `id` is the event's. Empty but for the last seconds."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_by_time", "recorded_at", "store_id"),)

    recorded_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]  # a relay holds it until then; past it, another may take it over
    sequence: Mapped[int | None]  # given at the first claim


class PublishedEvent(Base):
    """The store-wide order of events, without gaps: given by the relay, never in the business transaction.

    Grows as `domain_events`; 60 bytes a row.
    """

    __tablename__ = "published_events"

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[UUID]


class EventSequence(Base):
    """The last sequence number that a store's relay gave. One row a store."""

    __tablename__ = "event_sequences"

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(server_default=text("0"))


def record(session: Session, event: DomainEvent) -> None:
    """Tell the world about `event` if, and only if, this transaction commits.

    Costs no statement of its own: all records of a transaction are written in one, before the commit.
    """
    pending(session).append(event)


def pending(session: Session) -> list[DomainEvent]:
    """Return the events that wait for this transaction's commit; the list itself, to be changed by `records` alone."""
    waiting: list[DomainEvent] = session.info.setdefault(_PENDING, [])
    return waiting


class _Gathered:
    """The stores that the relay is to be told of soon."""

    def __init__(self) -> None:
        self._stores: set[UUID] = set()
        self._until = time.monotonic() + _LONGEST_GATHERING

    def add(self, stores: Iterable[UUID]) -> Iterable[UUID]:
        """Return whom it is time to tell of."""
        self._stores.update(stores)
        return () if time.monotonic() < self._until else self.taken()

    def taken(self) -> Iterable[UUID]:
        taken, self._stores = self._stores, set()
        self._until = time.monotonic() + _LONGEST_GATHERING
        return taken


_gathered: ContextVar[_Gathered | None] = ContextVar("gathered_kicks", default=None)


@contextmanager
def kicks_gathered() -> Iterator[None]:
    """Tell the relay once for the short transactions of this block: at its end, or with a commit half a second on."""
    gathered = _Gathered()
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
        kick(gathered.taken())


def kick(stores: Iterable[UUID]) -> None:
    """Tell the relay that these stores have events: after the commit, once a commit.

    Best effort: a kick that fails or gets lost harms nothing, the sweep finds the rows within a minute.
    """
    gathered = _gathered.get()
    stores = stores if gathered is None else gathered.add(stores)
    bodies = [{"store_id": str(store_id)} for store_id in stores]
    if not bodies or not settings().kick:
        return
    try:
        queues.send(QUEUE, bodies)
    except Exception:  # noqa: BLE001 -- whatever fails here, the change is committed and the answer must go out
        telemetry.logger().warning("The relay could not be told; the sweep will find the events.")
