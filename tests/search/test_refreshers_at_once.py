"""Several who make one product's summary at once: what is shown at the end is what is there at the end."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import ids
from shared.search import checking, summaries
from tests.catalog.shelf import make
from tests.factories import StoreUnderTest, a_store
from tests.search.shopfront import made_of, relay

pytestmark = pytest.mark.usefixtures("application")


def test_who_read_earlier_never_replaces_what_who_read_later_wrote() -> None:
    store = a_store()
    product = make(store, "MUG", title="Old", status="active")
    product_id = ids.decode("prod", product["id"])

    with ThreadPoolExecutor(1) as threads, store.session() as early:
        summaries.lock(early, [product_id])
        made = summaries.make(early, [product_id])
        made_of(store.merchant.patch(f"/products/{product['id']}", json={"title": "New"}))
        late = threads.submit(_refresh, store, product_id)
        _wait_for_a_waiter(early)
        waits = not late.done()
        summaries.replace(early, list(made.values()), [])
        early.commit()
        late.result(timeout=30)

    shown = store.shopper.get("/storefront/products").json()["data"]
    assert (waits, [one["title"] for one in shown]) == (True, ["New"])


def test_edits_and_refreshes_in_a_crowd_end_in_the_truth() -> None:
    store = a_store()
    products = [make(store, f"SKU{number}", title=f"Thing {number}", status="active") for number in range(4)]
    ids_ = [ids.decode("prod", one["id"]) for one in products]
    start = threading.Barrier(6)

    def act(seed: int) -> None:
        chance = random.Random(seed)
        start.wait(timeout=30)
        for step in range(8):
            if seed % 2:
                product = chance.choice(products)
                change = {"title": f"By {seed}, {step}", "status": chance.choice(["active", "draft"])}
                made_of(store.merchant.patch(f"/products/{product['id']}", json=change))
            some = chance.sample(ids_, chance.choice((1, 2, 4)))
            with store.session() as session:
                summaries.refresh(session, some)

    with ThreadPoolExecutor(6) as threads:
        for done in [threads.submit(act, seed) for seed in range(6)]:
            done.result(timeout=60)
    relay(store)

    with store.session() as session:
        assert checking.repair(session, ids_) == checking.Drift()


def _refresh(store: StoreUnderTest, product_id: UUID) -> None:
    with store.session() as session:
        summaries.refresh(session, [product_id])


def _wait_for_a_waiter(session: Session) -> None:
    asked = text(
        "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "
        "(select oid from pg_database where datname = current_database())"
    )
    pause = threading.Event()
    for _ in range(500):
        if session.execute(asked).scalar_one():
            return
        pause.wait(0.01)
    raise AssertionError("Nobody waits.")
