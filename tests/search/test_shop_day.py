"""A small day behind the edge. `python -m tests.bench day` lives through a larger one and prints it."""

import pytest

from tests import assortments, figures
from tests.database import Database
from tests.factories import a_store
from tests.search.shop_day import KNOWN_BY, ORIGIN, Rates, live

pytestmark = pytest.mark.usefixtures("watch")

RATES = Rates(visits=360, sales=40, prices=8, texts=4, new=2, renamed=1)


def test_two_thirds_of_a_days_requests_never_reach_the_origin(database: Database) -> None:
    store = a_store(allowed_origins=[ORIGIN])
    assortments.seed(database.superuser_url, store.id, products=16)

    seen, edge = live(store, RATES, seed=7)

    assert seen.asked > 1500
    assert seen.hits() > 0.65
    assert seen.how["passed"] == 0
    assert edge.asked < 0.45 * seen.asked
    assert set(seen.failed) <= {404}
    assert seen.told > 0
    assert seen.forgotten > 0
    assert seen.compared > 40
    assert len(seen.stale) <= 0.05 * seen.compared
    assert seen.inspected > 40
    assert [str(one) for one in seen.lasting] == []
    assert [str(one) for one in seen.stale if one.seconds > KNOWN_BY] == []
    figures.of_this_run.add("a small day behind the edge", hits_in_100=round(100 * seen.hits()))
