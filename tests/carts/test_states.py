"""The life of a cart, which code and database hold alike."""

from datetime import timedelta
from itertools import product

import pytest

from shared.carts import ageing
from shared.carts.states import CART, CartState
from shared.core import clock, driver
from tests.checkout.purchases import Cart, a_cart
from tests.database import Database, Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

EVERY_STEP = sorted(product(CART.states, CART.states))


@pytest.mark.parametrize(("before", "after"), EVERY_STEP)
def test_code_and_database_know_the_same_steps(before: str, after: str, sql: Sql, database: Database) -> None:
    cart = a_cart(a_store())
    put_into(sql, cart, before)

    refused = is_refused(database, cart, after)

    assert refused is not CART.leads(before, after)


def test_no_cart_is_born_in_another_state_than_active(database: Database) -> None:
    statement = (
        "insert into carts (store_id, id, token_digest, state, created_at, updated_at) "
        "values (gen_random_uuid(), gen_random_uuid(), '', 'expired', now(), now())"
    )

    with driver.connect_to(database.superuser_url) as connection, pytest.raises(driver.DatabaseError) as refused:
        connection.cursor().execute(statement)

    assert driver.sqlstate(refused.value) == "23514"


def test_an_idle_cart_is_abandoned_and_weeks_later_expired(sql: Sql) -> None:
    store = a_store(stock={"MUG": 9})
    cart = a_cart(store, {"MUG": 2})
    touched = clock.now()

    with clock.frozen(touched) as frozen:
        frozen.move_to(touched + ageing.ABANDONED_AFTER - timedelta(seconds=1))
        early = aged(cart)
        frozen.tick(timedelta(seconds=2))
        abandoned = aged(cart), state_of(cart)
        frozen.move_to(touched + ageing.EXPIRED_AFTER - timedelta(seconds=1))
        waiting = aged(cart)
        frozen.tick(timedelta(seconds=2))
        expired = aged(cart), state_of(cart)
        frozen.tick(timedelta(days=400))
        afterwards = aged(cart)

    assert (early, abandoned, waiting, expired, afterwards) == (0, (1, "abandoned"), 0, (1, "expired"), 0)
    events = sql("select type from domain_events where entity_id = %s order by entity_version", cart.uuid)
    assert [event["type"] for event in events] == ["cart.created", "cart.abandoned", "cart.expired"]
    refused = cart.add("MUG")
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (409, "cart_closed", "expired")
    assert cart.start().json()["code"] == "cart_closed"


def test_a_cart_that_nobody_aged_in_time_expires_at_once() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})

    with clock.frozen(clock.now() + ageing.EXPIRED_AFTER + timedelta(seconds=1)):
        count = aged(cart)

    assert (count, state_of(cart)) == (1, "expired")


def test_a_shopper_who_comes_back_has_an_active_cart_again() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})
    with clock.frozen(clock.now() + ageing.ABANDONED_AFTER + timedelta(seconds=1)):
        aged(cart)

        answer = cart.add("MUG")

        assert (answer.status_code, answer.json()["state"], answer.json()["version"]) == (200, "active", 3)
        assert aged(cart) == 0


def test_an_abandoned_cart_can_be_bought() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})
    with clock.frozen(clock.now() + ageing.ABANDONED_AFTER + timedelta(seconds=1)):
        aged(cart)

        completed = cart.complete(cart.started())

    assert (completed.status_code, state_of(cart)) == (201, "converted")


def test_the_sweep_names_a_store_once_for_each_batch_of_its_due_carts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ageing, "BATCH", 2)
    busy, idle = a_store(), a_store()
    for _ in range(3):
        a_cart(busy)
    with clock.frozen(clock.now() + ageing.ABANDONED_AFTER + timedelta(seconds=1)), busy.session() as session:
        found = ageing.stores_with_due_carts(session, 10_000)

        first, second = ageing.age(session), ageing.age(session)

    assert (found.count(busy.id), found.count(idle.id)) == (2, 0)
    assert (first, second) == (2, 1)


def aged(cart: Cart) -> int:
    with cart.store.session() as session:
        return ageing.age(session)


def state_of(cart: Cart) -> str:
    state: str = cart.read()["state"]
    return state


def put_into(sql: Sql, cart: Cart, state: str) -> None:
    if state != CartState.ACTIVE:
        due = "null" if state in ("converted", "expired") else "now()"
        sql(f"update carts set state = %s, due_at = {due} where id = %s", state, cart.uuid)


def is_refused(database: Database, cart: Cart, state: str) -> bool:
    due = "null" if state in ("converted", "expired") else "now()"
    with driver.connect_to(database.superuser_url) as connection:
        try:
            connection.cursor().execute(
                f"update carts set state = %s, due_at = {due} where id = %s", (state, cart.uuid)
            )
        except driver.DatabaseError as error:
            return driver.sqlstate(error) == "23514"
    return False
