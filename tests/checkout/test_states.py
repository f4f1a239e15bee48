"""The states of a checkout, which code and database hold alike."""

from itertools import product

import pytest

from shared.checkout.states import CHECKOUT
from shared.core import driver, ids
from tests.checkout.purchases import a_cart
from tests.database import Database, Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


@pytest.mark.parametrize(("before", "after"), sorted(product(CHECKOUT.states, CHECKOUT.states)))
def test_code_and_database_know_the_same_steps(before: str, after: str, sql: Sql, database: Database) -> None:
    checkout_id = ids.decode("chk", a_cart(a_store(stock={"MUG": 5}), {"MUG": 1}).started())
    change = "update checkouts set state = %s, order_id = case when %s = 'completed' then id end where id = %s"
    if before != "open":
        sql(change, before, before, checkout_id)

    refused = False
    with driver.connect_to(database.superuser_url) as connection:
        try:
            connection.cursor().execute(change, (after, after, checkout_id))
        except driver.DatabaseError as error:
            refused = driver.sqlstate(error) == "23514"

    assert refused is not CHECKOUT.leads(before, after)
