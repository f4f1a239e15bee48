"""The three statuses of an order: every pair of states, in code and in the database, and how they follow from facts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.states import StateMachine, TransitionNotAllowed
from shared.orders import states
from shared.orders.states import FULFILLMENT, ORDER, PAYMENT, Fulfilled, FulfillmentStatus, OrderStatus, PaymentStatus
from shared.payments.attempts import Standing
from tests.database import Database
from tests.factories import a_store
from tests.orders.purchases import an_order, id_of
from tests.orders.state_walks import Walk, declared, refused_by_code

MACHINES = [("status", ORDER), ("payment_status", PAYMENT), ("fulfillment_status", FULFILLMENT)]
CHECKS = ("orders_canceled_check", "orders_canceled_unfulfilled_check", "orders_completed_check")


@pytest.mark.parametrize(("column", "machine"), MACHINES)
@pytest.mark.usefixtures("watch")
def test_the_database_lets_an_order_take_exactly_the_declared_steps(
    column: str, machine: StateMachine, database: Database
) -> None:
    order = an_order(a_store(stock={"MUG": 1}))
    fresh = {"number": "999999", "checkout_id": "null", "cart_id": "null"}
    walk = Walk(database, "orders", column, id_of(order), CHECKS, fresh)

    steps, beginnings = walk.steps(machine), walk.beginnings(machine)

    assert steps == declared(machine)
    assert beginnings == machine.initial


@pytest.mark.parametrize("machine", [machine for _, machine in MACHINES])
def test_code_refuses_every_step_that_is_not_declared_and_says_what_is(machine: StateMachine) -> None:
    for before, after in refused_by_code(machine):
        with pytest.raises(TransitionNotAllowed) as refused:
            machine.require(before, after)

        assert refused.value.extra == {
            "current": before,
            "requested": after,
            "allowed": sorted(machine.steps[before]),
        }
        assert f"is {before} and cannot become {after}" in refused.value.detail


@pytest.mark.parametrize("machine", [machine for _, machine in MACHINES])
def test_code_lets_every_declared_step_pass_and_staying_too(machine: StateMachine) -> None:
    for before, after in declared(machine) | {(state, state) for state in machine.states}:
        machine.require(before, after)


def test_each_machine_knows_exactly_the_states_of_its_column() -> None:
    assert ORDER.states == {*OrderStatus}
    assert PAYMENT.states == {*PaymentStatus}
    assert FULFILLMENT.states == {*FulfillmentStatus}


@pytest.mark.parametrize(
    ("standing", "status"),
    [
        (Standing(), "pending"),
        (Standing(has_pending=True), "pending"),
        (Standing(has_failed=True), "failed"),
        (Standing(has_failed=True, has_pending=True), "pending"),
        (Standing(authorized=1000, has_failed=True), "authorized"),
        (Standing(captured=999, has_pending=True), "partially_paid"),
        (Standing(captured=1000), "paid"),
        (Standing(captured=1001), "paid"),
    ],
)
def test_the_payment_status_follows_from_what_the_attempts_came_to(standing: Standing, status: str) -> None:
    assert states.payment_status(1000, standing) == status


def test_a_canceled_order_is_voided_unless_money_was_received() -> None:
    assert states.payment_status(1000, Standing(has_pending=True), canceled=True) == "voided"
    assert states.payment_status(1000, Standing(captured=1), canceled=True) == "partially_paid"
    assert states.payment_status(1000, Standing(captured=1000), canceled=True) == "paid"


def test_an_order_of_nothing_to_pay_is_paid() -> None:
    assert states.payment_status(0, Standing()) == "paid"


ATTEMPTS = st.lists(st.sampled_from(["authorize", "capture", "fail", "lapse", "try again"]), max_size=8)


@given(ATTEMPTS, st.integers(0, 8))
def test_whatever_becomes_of_attempts_no_projection_takes_an_impossible_step(
    lives: list[str], canceled_at: int
) -> None:
    total, state, captured, failed = 1000, "open", False, False
    status = states.payment_status(total, Standing(has_pending=True))

    for number, happening in enumerate(lives):
        canceled = number >= canceled_at
        if canceled or (captured and happening == "try again"):
            state = "over"  # canceling voids what is open, and nobody pays twice
        else:
            state, captures, fails = LIVES.get((state, happening), (state, False, False))
            captured, failed = captured or captures, failed or fails
        facts = Standing(
            captured=total if captured else 0,
            authorized=total if state == "authorized" else 0,
            has_pending=state == "open",
            has_failed=failed,
        )
        after = states.payment_status(total, facts, canceled=canceled)
        assert PAYMENT.leads(status, after), f"{status} -> {after} by {happening}"
        status = after


# What an attempt does when something happens to it: its next state, and whether it captured or failed by that.
LIVES = {
    ("open", "authorize"): ("authorized", False, False),
    ("open", "capture"): ("over", True, False),
    ("open", "fail"): ("over", False, True),
    ("open", "lapse"): ("over", False, False),
    ("authorized", "capture"): ("over", True, False),
    ("authorized", "fail"): ("over", False, True),
    ("authorized", "lapse"): ("over", False, False),
    ("over", "try again"): ("open", False, False),
}


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([(2, 0), (1, 0)], "unfulfilled"),
        ([(2, 1), (1, 0)], "partially_fulfilled"),
        ([(2, 2), (1, 0)], "partially_fulfilled"),
        ([(2, 2), (1, 1)], "fulfilled"),
    ],
)
def test_the_fulfillment_status_follows_from_the_quantities(lines: list[tuple[int, int]], status: str) -> None:
    assert states.fulfillment_status(Fulfilled(*line) for line in lines) == status


def test_an_order_is_completed_when_it_is_paid_and_fulfilled_and_not_before() -> None:
    for payment in PaymentStatus:
        for fulfillment in FulfillmentStatus:
            done = (payment, fulfillment) == ("paid", "fulfilled")

            assert states.order_status(OrderStatus.OPEN, payment, fulfillment) == ("completed" if done else "open")
            assert states.order_status(OrderStatus.CANCELED, payment, fulfillment) == "canceled"
