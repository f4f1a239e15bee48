"""Proves a store's stock against its history."""

from sqlalchemy.orm import Session

from shared.core.functions import Message, consumer
from shared.inventory import reconciliation


class ReconciliationDue(Message):
    """A store's stock is to be proved."""


@consumer(reconciliation.QUEUE, batch=1, timeout=300, concurrency=2)  # no hurry: the shop comes first
def reconcile(message: ReconciliationDue, session: Session) -> None:  # noqa: ARG001 -- the store is the session's
    """Replay the store's history and tell of every level that drifted. A second run tells again."""
    reconciliation.report_drift(session)


handler = reconcile.handler
