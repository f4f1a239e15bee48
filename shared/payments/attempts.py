"""Attempts to pay: begun, settled by what the gateway says, voided. What they amount to is `standing`.

A result reaches an attempt by `settle` alone, whoever brings it: the call itself, a callback, a sweep. It asks the
attempt's state, so a result that comes twice or too late changes nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from shared.core import audit, clock, context, ids, outbox, records, tenancy
from shared.core.errors import Problem
from shared.core.money import Money
from shared.core.outbox import DomainEvent
from shared.payments import events
from shared.payments.cash_on_delivery import METHOD as CASH_ON_DELIVERY
from shared.payments.gateway import (
    Authorized,
    Captured,
    Failed,
    PaymentRequest,
    Pending,
    Result,
    Voided,
)
from shared.payments.gateways import gateway_of
from shared.payments.models import PaymentAttempt
from shared.payments.states import ATTEMPT, OPEN, AttemptStatus


class NothingToCollect(Problem):
    """No cash is expected for this order: it was collected before, is paid another way, or the order was canceled."""

    status = 409
    code = "nothing_to_collect"
    title = "No cash to collect"


@dataclass(frozen=True)
class Standing:
    """What the attempts of one order came to; sums in minor units."""

    captured: int = 0
    authorized: int = 0
    has_pending: bool = False
    has_failed: bool = False


_COLUMNS = tuple(column.key for column in PaymentAttempt.__table__.columns)
_START = text(
    f"insert into payment_attempts ({', '.join(_COLUMNS)}) values ({', '.join(f':{name}' for name in _COLUMNS)})"  # noqa: S608 -- a constant
)


def start(session: Session, order_id: UUID, *, method: str, amount: int, currency: str) -> PaymentAttempt | None:
    """Begin to pay `amount` minor units for an order; None where there is nothing to pay.

    A gateway that asks nobody answers at once, within the transaction. At most one attempt of an order is open at a
    time, which an index holds. One statement, for which nobody waits: it travels with the session's next one, and what
    is returned is no row of the session's.

    Raises:
        PaymentMethodUnavailable: nobody moves money this way.
    """
    gateway = gateway_of(method)
    if amount == 0:
        return None
    now = clock.now()
    attempt = PaymentAttempt(
        store_id=tenancy.require_store(session),
        id=ids.new_id(),
        order_id=order_id,
        method=method,
        status=AttemptStatus.PENDING,
        currency=currency,
        amount=amount,
        captured=0,
        provider_reference=None,
        reason=None,
        correlation_id=context.current().correlation_id,
        version=1,
        created_at=now,
        updated_at=now,
    )
    if gateway.is_offline:
        _apply(attempt, gateway.authorize(_request(attempt)))
    values = {name: getattr(attempt, name) for name in _COLUMNS}
    records.change(session, _START, {**values, "status": attempt.status.value})
    _tell(session, attempt, before=None)
    return attempt


def of_order(session: Session, order_id: UUID) -> list[PaymentAttempt]:
    """Return the attempts to pay for an order, the oldest first. One statement."""
    return list(session.scalars(_of(order_id), execution_options={"populate_existing": True}))


def standing(attempts: Sequence[PaymentAttempt]) -> Standing:
    """Return what these attempts, all of one order, came to."""
    return Standing(
        captured=sum(attempt.captured for attempt in attempts),
        authorized=sum(attempt.amount for attempt in attempts if attempt.status is AttemptStatus.AUTHORIZED),
        has_pending=any(attempt.status is AttemptStatus.PENDING for attempt in attempts),
        has_failed=any(attempt.status is AttemptStatus.FAILED for attempt in attempts),
    )


def record_collected(session: Session, order_id: UUID, *, reference: str | None = None) -> PaymentAttempt:
    """Record that the cash for an order was collected, all of it; `reference` is the courier's receipt.

    Two at once: one collects, the other is told that there is nothing left.

    Raises:
        NothingToCollect: no cash is expected.
    """
    cash = [one for one in lock(session, order_id) if one.status in OPEN and one.method == CASH_ON_DELIVERY]
    if not cash:
        raise NothingToCollect("No cash is expected for this order; its payment status says why.")
    attempt = cash[0]
    result = gateway_of(attempt.method).capture(_request(attempt, reference))
    settle(session, attempt, result)
    return attempt


def lock(session: Session, order_id: UUID) -> list[PaymentAttempt]:
    """Return the attempts to pay for an order, locked until this transaction ends, the oldest first. One statement."""
    return list(session.scalars(_of(order_id).with_for_update(), execution_options={"populate_existing": True}))


def void_open(session: Session, locked: Sequence[PaymentAttempt]) -> list[PaymentAttempt]:
    """Give up those of an order's locked attempts that are still open, and return these.

    Money that was captured stays captured.
    """
    still_open = [attempt for attempt in locked if attempt.status in OPEN]
    for attempt in still_open:
        settle(session, attempt, gateway_of(attempt.method).void(_request(attempt)))
    return still_open


def settle(session: Session, attempt: PaymentAttempt, result: Result) -> None:
    """Let a gateway's result take effect on an attempt whose row this transaction has locked.

    `Pending`, and a state that the attempt has already, change nothing.

    Raises:
        TransitionNotAllowed: the attempt ended otherwise.
    """
    before, after = attempt.status, _status_after(result)
    if isinstance(result, Pending) or after is before:
        return
    ATTEMPT.require(before, after)
    _apply(attempt, result)
    attempt.version += 1
    attempt.updated_at = clock.now()
    session.flush()
    _tell(session, attempt, before=before)


def _of(order_id: UUID) -> Select[PaymentAttempt]:
    return select(PaymentAttempt).where(PaymentAttempt.order_id == order_id).order_by(PaymentAttempt.id)


def _request(attempt: PaymentAttempt, reference: str | None = None) -> PaymentRequest:
    amount = Money(attempt.amount, attempt.currency)
    return PaymentRequest(attempt.id, amount, reference or attempt.provider_reference)


def _status_after(result: Result) -> AttemptStatus:
    match result:
        case Pending():
            return AttemptStatus.PENDING
        case Authorized():
            return AttemptStatus.AUTHORIZED
        case Captured():
            return AttemptStatus.CAPTURED
        case Voided():
            return AttemptStatus.VOIDED
        case Failed():
            return AttemptStatus.FAILED


def _apply(attempt: PaymentAttempt, result: Result) -> None:
    attempt.status = _status_after(result)
    attempt.provider_reference = result.reference or attempt.provider_reference
    if isinstance(result, Captured):
        attempt.captured = result.amount.amount
    if isinstance(result, Failed):
        attempt.reason = result.reason


def _tell(session: Session, attempt: PaymentAttempt, *, before: AttemptStatus | None) -> None:
    audit.record(
        session,
        action="payment.started" if before is None else f"payment.{attempt.status}",
        entity="payment_attempt",
        entity_id=attempt.id,
        before=None if before is None else {"status": before.value},
        after={
            "status": attempt.status.value,
            "method": attempt.method,
            "amount": {"amount": attempt.amount, "currency": attempt.currency},
        },
        severity="notice",
    )
    outbox.record(session, _event(attempt, is_new=before is None))


def _event(attempt: PaymentAttempt, *, is_new: bool) -> DomainEvent:
    facts: dict[str, Any] = {
        "payment_attempt_id": attempt.id,
        "order_id": attempt.order_id,
        "method": attempt.method,
        "amount": Money(attempt.amount, attempt.currency),
        "version": attempt.version,
    }
    if is_new:
        return events.PaymentStarted(**facts)
    match attempt.status:
        case AttemptStatus.AUTHORIZED:
            return events.PaymentAuthorized(**facts)
        case AttemptStatus.CAPTURED:
            return events.PaymentCaptured(**facts)
        case AttemptStatus.VOIDED:
            return events.PaymentVoided(**facts)
        case AttemptStatus.FAILED:
            return events.PaymentFailed(**facts, reason=attempt.reason or "unknown")
        case AttemptStatus.PENDING:
            message = "No step leads back to pending."
            raise AssertionError(message)
