"""What PostgreSQL refuses, whoever asks: CHECKs, append-only history, references across stores."""

import pytest
from pg8000.dbapi import DatabaseError

from shared.core import driver, ids
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import hold, level

pytestmark = pytest.mark.usefixtures("watch")


@pytest.mark.parametrize(
    "change",
    [
        "on_hand = -1",
        "reserved = -1",
        "reserved = 6",  # of five
        "safety_stock = -1",
        "low_stock_threshold = -1",
        "allow_backorder = true, reserved = -1",
    ],
)
def test_no_level_can_be_made_impossible(sql: Sql, change: str) -> None:
    store = a_store(stock={"MUG": 5})

    with pytest.raises(DatabaseError) as refused:
        sql(f"update stock_levels set {change} where store_id = %s", store.id)

    assert (driver.sqlstate(refused.value), level(sql, store, "MUG")) == ("23514", (5, 0))


def test_backorders_allow_less_than_nothing_and_cannot_end_then(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    sql("update stock_levels set allow_backorder = true, on_hand = -2, reserved = 3 where store_id = %s", store.id)

    with pytest.raises(DatabaseError) as refused:
        sql("update stock_levels set allow_backorder = false where store_id = %s", store.id)

    assert (driver.sqlstate(refused.value), level(sql, store, "MUG")) == ("23514", (-2, 3))


def test_an_adjustment_changes_something_and_is_of_a_known_kind(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    made = "update inventory_adjustments set {} where store_id = %s"

    for change in ("delta = 0", "kind = 'theft'"):
        with pytest.raises(DatabaseError) as refused:
            sql(made.format(change), store.id)
        assert driver.sqlstate(refused.value) == "23514"


def test_a_reservation_is_of_something_and_one_a_holder_and_variant(sql: Sql) -> None:
    store, holder = a_store(stock={"MUG": 5}), ids.new_id()
    hold(store, holder, MUG=1)

    with pytest.raises(DatabaseError) as empty:
        sql("update stock_reservations set quantity = 0 where store_id = %s", store.id)
    with pytest.raises(DatabaseError) as second:
        reserve_directly(sql, store, holder, store)

    assert (driver.sqlstate(empty.value), driver.sqlstate(second.value)) == ("23514", "23505")


def test_a_reservation_cannot_point_at_another_stores_variant(sql: Sql) -> None:
    mine, theirs = a_store(stock={"MUG": 5}), a_store(stock={"MUG": 5})

    with pytest.raises(DatabaseError) as refused:
        reserve_directly(sql, mine, ids.new_id(), theirs)

    assert driver.sqlstate(refused.value) == "23503"


@pytest.mark.parametrize("change", ["update inventory_adjustments set delta = 1", "delete from inventory_adjustments"])
def test_the_application_cannot_rewrite_history(database: Database, change: str) -> None:
    store = a_store(stock={"MUG": 5})

    with driver.connect_to(database.app_url) as connection:
        cursor = connection.cursor()
        cursor.execute(f"set local app.store_id = '{store.id}'")
        with pytest.raises(DatabaseError) as refused:
            cursor.execute(change)

    assert driver.sqlstate(refused.value) == "42501"


def reserve_directly(sql: Sql, store: StoreUnderTest, holder: object, whose_variant: StoreUnderTest) -> None:
    sql(
        "insert into stock_reservations (store_id, id, holder_id, variant_id, quantity, created_at, expires_at) "
        "values (%s, %s, %s, %s, 1, now(), now())",
        store.id,
        ids.new_id(),
        holder,
        whose_variant.variant_id("MUG"),
    )
