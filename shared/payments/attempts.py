"""Attempts to pay: begun, settled by what the gateway says, voided. What they amount to is `standing`.

A result reaches an attempt by `settle` alone, whoever brings it: the call itself, a callback, a sweep. It asks the
attempt's state, so a result that comes twice or too late changes nothing twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import audit, clock, context, ids, outbox
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


def start(session: Session, order_id: UUID, *, method: str, amount: int, currency: str) -> PaymentAttempt | None:
    """Begin to pay `amount` minor units for an order; None where there is nothing to pay. One statement.

    A gateway that asks nobody answers at once, within the transaction. At most one attempt of an order is open at a
    time, which an index holds.

    Raises:
        PaymentMethodUnavailable: nobody moves money this way.
    """
    gateway = gateway_of(method)
    if amount == 0:
        return None
    now = clock.now()
    attempt = PaymentAttempt(
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
    session.add(attempt)
    session.flush()
    _tell(session, attempt, before=None)
    return attempt


def of_order(session: Session, order_id: UUID) -> list[PaymentAttempt]:
    """Return the attempts to pay for an order, the oldest first. One statement."""
    chosen = select(PaymentAttempt).where(PaymentAttempt.order_id == order_id).order_by(PaymentAttempt.id)
    return list(session.scalars(chosen, execution_options={"populate_existing": True}))


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
    cash = [attempt for attempt in _lock_open(session, order_id) if attempt.method == CASH_ON_DELIVERY]
    if not cash:
        raise NothingToCollect("No cash is expected for this order; its payment status says why.")
    attempt = cash[0]
    result = gateway_of(attempt.method).capture(_request(attempt, reference))
    settle(session, attempt, result)
    return attempt


def void_open(session: Session, order_id: UUID) -> list[PaymentAttempt]:
    """Give up the attempts of an order that are still open, and return them. Money that was captured stays captured."""
    attempts = _lock_open(session, order_id)
    for attempt in attempts:
        settle(session, attempt, gateway_of(attempt.method).void(_request(attempt)))
    return attempts


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


def _lock_open(session: Session, order_id: UUID) -> list[PaymentAttempt]:
    chosen = (
        select(PaymentAttempt)
        .where(PaymentAttempt.order_id == order_id, PaymentAttempt.status.in_(OPEN))
        .order_by(PaymentAttempt.id)
        .with_for_update()
    )
    return list(session.scalars(chosen, execution_options={"populate_existing": True}))


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
