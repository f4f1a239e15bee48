"""Made-up assortments are what the refresh would make of them, wherever they are listed, filtered, sorted or found."""

import pytest

from shared.core import ids
from shared.search import summaries
from tests import assortments
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store

COMPARED = """
select id, slug, title, sort_name, currency, price, highest_price, in_stock, published_at,
       array(select unnest(terms) order by 1) as terms, categories, numbers::text as numbers,
       array(select (unnest(search)).lexeme order by 1) as lexemes
from product_summaries where store_id = %s order by id
"""


@pytest.fixture
def store(application: None) -> StoreUnderTest:  # noqa: ARG001 -- the store is made by it
    """Return an empty store."""
    return a_store()


def test_what_is_written_by_sets_is_what_the_refresh_makes(store: StoreUnderTest, database: Database, sql: Sql) -> None:
    made = assortments.seed(database.superuser_url, store.id, products=60)
    assortments.summarize(database.superuser_url, made)
    by_sets = sql(COMPARED, store.id)
    sql("delete from product_summaries where store_id = %s", store.id)

    with store.session() as session:
        refreshed = summaries.refresh(session, [row["id"] for row in by_sets])

    assert refreshed == 60
    for one, other in zip(by_sets, sql(COMPARED, store.id), strict=True):
        lexemes, all_lexemes = set(one.pop("lexemes")), set(other.pop("lexemes"))
        assert one == other
        # Options, choices and tags are names of a product, too, and an assortment leaves them out.
        assert {lexeme for lexeme in lexemes if not lexeme.startswith("#")} <= all_lexemes


@pytest.mark.usefixtures("application")
def test_the_same_seed_makes_the_same_products(database: Database, sql: Sql) -> None:
    twins = [a_store(), a_store()]
    for store in twins:
        assortments.seed(database.superuser_url, store.id, products=30, seed=7)

    one, other = (
        sql("select title, slug, description, tags from products where store_id = %s order by slug", store.id)
        for store in twins
    )

    assert one == other
    assert len(one) == 30


def test_an_assortment_is_browsed_and_searched_as_any_other(store: StoreUnderTest, database: Database) -> None:
    made = assortments.seed(database.superuser_url, store.id, products=300)
    store.show()

    listed = store.shopper.get("/storefront/products", params={"include": "total", "category": "category-0"}).json()
    found = store.shopper.get("/storefront/search", params={"q": "panjabi"}).json()

    assert ids.encode("brand", made.brands[0]).startswith("brand_")
    assert 0 < listed["total"] < 300
    assert found["total"] > 0
    assert any(word in found["data"][0]["title"] for word in ("Panjabi", "পাঞ্জাবি"))
