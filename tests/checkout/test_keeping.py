"""How long carts and checkouts are kept, and what an erasure leaves of them."""

from datetime import timedelta

import pytest

from shared.core import clock, ids, tenant_life
from tests.checkout.purchases import a_cart
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_carts_and_checkouts_go_after_ninety_days_and_orders_stay(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    cart.complete(cart.started())

    with store.session() as session:
        early = tenant_life.purge(session, clock.now() + timedelta(days=89))
        late = tenant_life.purge(session, clock.now() + timedelta(days=91))

    assert "carts" not in early
    assert (late["carts"], late["checkouts"]) == (1, 1)
    assert store.merchant.get("/orders").json()["data"][0]["number"] == "#1001"
    assert sql("select 1 from carts where id = %s", cart.uuid) == []


def test_an_erased_checkout_cannot_be_completed(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()
    with store.session() as session:
        erased = tenant_life.erase(session)

    refused = cart.complete(checkout_id)

    assert erased.rows["checkouts"] == 1
    (row,) = sql("select personal, contact_index from checkouts where id = %s", ids.decode("chk", checkout_id))
    assert (row["personal"], bytes(row["contact_index"])) == (None, b"")
    assert (refused.status_code, refused.json()["code"]) == (409, "checkout_closed")
