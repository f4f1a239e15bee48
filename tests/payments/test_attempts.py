"""Attempts to pay: begun once, settled once, and what they amount to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError

from shared.core import ids
from shared.core.money import Money
from shared.core.states import TransitionNotAllowed
from shared.payments import attempts
from shared.payments.attempts import NothingToCollect, Standing
from shared.payments.cash_on_delivery import METHOD, CashOnDelivery
from shared.payments.gateway import (
    Authorized,
    CallbackRefused,
    Captured,
    Failed,
    PaymentRequest,
    Pending,
    Result,
    Voided,
)
from shared.payments.gateways import GATEWAYS, PaymentMethodUnavailable, gateway_of
from shared.payments.models import PaymentAttempt
from shared.payments.states import ATTEMPT
from tests.application import Watch
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.orders.state_walks import Walk, declared, refused_by_code

pytestmark = pytest.mark.usefixtures("watch")


def begin(store: StoreUnderTest, *, amount: int = 5000) -> PaymentAttempt:
    with store.session() as session:
        attempt = attempts.start(session, ids.new_id(), method=METHOD, amount=amount, currency="BDT")
    assert attempt is not None
    return attempt


def settle(store: StoreUnderTest, order_id: object, result: Result) -> None:
    with store.session() as session:
        [attempt] = attempts.of_order(session, order_id)  # type: ignore[arg-type] # a UUID
        attempts.settle(session, attempt, result)


def standing(store: StoreUnderTest, attempt: PaymentAttempt) -> Standing:
    with store.session() as session:
        return attempts.standing(attempts.of_order(session, attempt.order_id))


def test_beginning_to_pay_takes_one_statement_and_leaves_a_pending_attempt(watch: Watch, sql: Sql) -> None:
    store = a_store()

    with store.session() as session:
        mark = len(watch.statements)
        attempt = attempts.start(session, ids.new_id(), method=METHOD, amount=5000, currency="BDT")
        taken = watch.count_since(mark)

    assert taken == 1
    assert attempt is not None
    row = sql("select * from payment_attempts where id = %s", attempt.id)[0]
    assert (row["status"], row["amount"], row["captured"], row["version"]) == ("pending", 5000, 0, 1)
    assert row["correlation_id"]


def test_nothing_to_pay_needs_no_attempt_and_an_unknown_way_is_refused() -> None:
    store = a_store()

    with store.session() as session:
        nothing = attempts.start(session, ids.new_id(), method=METHOD, amount=0, currency="BDT")
        with pytest.raises(PaymentMethodUnavailable) as refused:
            attempts.start(session, ids.new_id(), method="seashells", amount=1, currency="BDT")

    assert nothing is None
    assert refused.value.extra == {"available": ["cash_on_delivery"]}


def test_an_order_has_at_most_one_open_attempt() -> None:
    store = a_store()
    first = begin(store)

    with pytest.raises(IntegrityError), store.session() as session:
        attempts.start(session, first.order_id, method=METHOD, amount=5000, currency="BDT")

    settle(store, first.order_id, Failed("declined"))
    with store.session() as session:
        attempts.start(session, first.order_id, method=METHOD, amount=5000, currency="BDT")
    assert standing(store, first) == Standing(has_pending=True, has_failed=True)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (Pending("p-1"), Standing(has_pending=True)),
        (Authorized("p-1"), Standing(authorized=5000)),
        (Captured(Money(5000, "BDT"), "p-1"), Standing(captured=5000)),
        (Voided(), Standing()),
        (Failed("declined"), Standing(has_failed=True)),
    ],
)
def test_a_result_settles_an_attempt_once(result: Result, expected: Standing, sql: Sql) -> None:
    store = a_store()
    attempt = begin(store)

    settle(store, attempt.order_id, result)
    settle(store, attempt.order_id, result)  # the callback, after the answer

    assert standing(store, attempt) == expected
    told = sql("select count(*) from domain_events where entity_id = %s", attempt.id)
    assert told == [{"count": 1 if isinstance(result, Pending) else 2}]


def test_a_result_that_contradicts_the_end_is_refused_and_changes_nothing() -> None:
    store = a_store()
    attempt = begin(store)
    settle(store, attempt.order_id, Captured(Money(5000, "BDT")))

    with pytest.raises(TransitionNotAllowed, match="captured and cannot become failed"):
        settle(store, attempt.order_id, Failed("declined"))

    assert standing(store, attempt) == Standing(captured=5000)


def test_of_ten_who_collect_and_ten_who_void_at_once_one_wins() -> None:
    store = a_store()
    attempt = begin(store)

    def collect_or_void(number: int) -> str | None:
        with store.session() as session:
            if number % 2:
                return "voided" if attempts.void_open(session, attempts.lock(session, attempt.order_id)) else None
            try:
                attempts.record_collected(session, attempt.order_id)
            except NothingToCollect:
                return None
            return "captured"

    with ThreadPoolExecutor(20) as callers:
        outcomes = [outcome for outcome in callers.map(collect_or_void, range(20)) if outcome]

    assert len(outcomes) == 1
    with store.session() as session:
        assert [one.status for one in attempts.of_order(session, attempt.order_id)] == outcomes


def test_another_stores_attempts_do_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    attempt = begin(theirs)

    with mine.session() as session, pytest.raises(NothingToCollect):
        attempts.record_collected(session, attempt.order_id)
    with mine.session() as session:
        voided = attempts.void_open(session, attempts.lock(session, attempt.order_id))

    assert voided == []
    assert standing(theirs, attempt) == Standing(has_pending=True)


def test_the_database_lets_an_attempt_take_exactly_the_declared_steps(database: Database) -> None:
    attempt = begin(a_store())
    walk = Walk(
        database,
        "payment_attempts",
        "status",
        attempt.id,
        ("payment_attempts_captured_check",),
        {"order_id": "gen_random_uuid()"},
    )

    steps, beginnings = walk.steps(ATTEMPT), walk.beginnings(ATTEMPT)

    assert steps == declared(ATTEMPT)
    assert beginnings == ATTEMPT.initial
    for before, after in refused_by_code(ATTEMPT):
        with pytest.raises(TransitionNotAllowed):
            ATTEMPT.require(before, after)


def test_every_way_of_paying_has_its_gateway() -> None:
    assert {method: gateway_of(method).method for method in GATEWAYS} == {METHOD: METHOD}


def test_cash_on_delivery_asks_nobody_and_takes_no_callbacks() -> None:
    gateway = CashOnDelivery()
    request = PaymentRequest(ids.new_id(), Money(5000, "BDT"), "receipt-1")

    assert gateway.is_offline
    assert gateway.authorize(request) == gateway.fetch_status(request) == Pending("receipt-1")
    assert gateway.capture(request) == Captured(Money(5000, "BDT"), "receipt-1")
    assert gateway.void(request) == Voided("receipt-1")
    with pytest.raises(CallbackRefused):
        gateway.parse_callback({}, b"{}")


@pytest.fixture(autouse=True)
def _every_attempt_adds_up(sql: Sql) -> Iterator[None]:
    yield
    assert sql("select 1 from payment_attempts where (status = 'captured') <> (captured = amount)") == []
