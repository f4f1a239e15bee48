"""The plans of the statements that shoppers and merchants wait for, at 100,000 products of one store among others.

Each request is made as it is, by the application's role under row-level security, and PostgreSQL itself tells the plan
of every statement that it ran for it, within look-up functions, too (auto_explain). Held is which indexes are used,
that no large table is read from its beginning, and how many rows all steps together looked at: no time.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from shared.core import database as core_database
from shared.core.settings import use_settings
from tests import assortments, plans
from tests.client import Answer, Client
from tests.database import Database, FreshDatabases
from tests.factories import StoreUnderTest, a_store
from tests.figures import Figures
from tests.plans import Plan

PRODUCTS, OTHERS, OTHERS_PRODUCTS = 100_000, 20, 500
FEWER = 10_000  # products show as well what becomes of a plan without its index
LARGE = ("products", "variants", "stock_levels", "product_categories", "product_summaries", "search_words")


@dataclass(frozen=True)
class Seen:
    """What the plans of one request say."""

    indexes: frozenset[str]
    read_whole: frozenset[str]  # tables that were read from their beginning
    looked_at: int  # rows that all steps took up from large tables, kept or not
    statements: int


@dataclass(frozen=True)
class Place:
    """A store, and the database that it stands in."""

    store: StoreUnderTest
    here: Database


@contextmanager
def a_place(fresh_database: FreshDatabases, *, products: int, others: int) -> Iterator[Place]:
    """Make a store of so many products, beside others of 500, in a database whose sessions tell their plans."""
    here = fresh_database.migrated()
    with use_settings(database_url=here.app_url, strict=False):  # the cards of an assortment say nothing
        for number in range(others):
            beside = assortments.seed(
                here.superuser_url, a_store().id, products=OTHERS_PRODUCTS, seed=number, with_attributes=False
            )
            assortments.summarize(here.superuser_url, beside)
        store = a_store()
        whole = assortments.seed(here.superuser_url, store.id, products=products, with_attributes=False)
        assortments.summarize(here.superuser_url, whole)
        plans.make_told(here)
        plans.run(here, "vacuum (analyze)")
        yield Place(store, here)
        core_database.dispose()


def ask(caller: Client, path: str, params: Mapping[str, str] | None = None) -> tuple[Answer, Seen]:
    """Make a request twice, so that what is remembered is; return what the plans of the second one say."""
    assert caller.get(path, params=params).status_code == 200
    with plans.told() as told:
        answer = caller.get(path, params=params)
    return answer, seen(told)


def seen(told: list[Plan]) -> Seen:
    """Add up what plans say."""
    reading = [step for plan in told for step in plans.reading_steps(plan)]
    return Seen(
        indexes=frozenset(step["Index Name"] for step in reading if "Index Name" in step),
        read_whole=frozenset(
            step["Relation Name"]
            for step in reading
            if step["Node Type"] == "Seq Scan" and step["Relation Name"] in LARGE
        ),
        looked_at=round(sum(plans.taken_up(step) for step in reading if step.get("Relation Name") in LARGE)),
        statements=len(told),
    )


def listed(**params: str) -> tuple[str, dict[str, str]]:
    return "/storefront/products", params


def searched(typed: str, **params: str) -> tuple[str, dict[str, str]]:
    return "/storefront/search", {"q": typed, **params}


# What shoppers ask: the request, an index that it has to use (a small table needs none), how many rows it may look at.
FOR_SHOPPERS: dict[str, tuple[tuple[str, dict[str, str]], str | None, int]] = {
    "newest": (listed(), "product_summaries_by_age", 25),
    "oldest": (listed(sort="-newest"), "product_summaries_by_age", 25),
    "cheapest": (listed(sort="price"), "product_summaries_by_price", 25),
    "dearest": (listed(sort="-price"), "product_summaries_by_price", 25),
    "by name": (listed(sort="name"), "product_summaries_by_name", 25),
    "bestselling": (listed(sort="bestselling"), "product_summaries_by_sales", 25),
    "a page of 100": (listed(limit="100"), "product_summaries_by_age", 105),
    "of a category": (listed(category="category-56"), "product_summaries_by_age", 4_000),
    "of a category, cheapest": (listed(category="category-56", sort="price"), "product_summaries_by_price", 2_500),
    "of all below a category": (listed(category="category-0"), "product_summaries_by_age", 2_500),
    "of a brand": (listed(brand="brand-1"), "product_summaries_by_age", 2_500),
    "of a rare brand": (listed(brand="brand-99"), "product_summaries_by_age", 4_000),
    "with an attribute": (listed(**{"attribute[colour]": "red"}), "product_summaries_by_age", 2_500),
    "with two attributes": (
        listed(**{"attribute[colour]": "red", "attribute[material]": "silk"}),
        "product_summaries_by_age",
        6_000,
    ),
    "with a label": (listed(label="sale"), "product_summaries_by_age", 2_500),
    "in stock": (listed(in_stock="true"), "product_summaries_by_age", 2_500),
    "in a range of prices": (
        listed(**{"price[gte]": "20000", "price[lte]": "30000"}),
        "product_summaries_by_age",
        6_000,
    ),
    "in a range of prices, cheapest": (
        listed(**{"price[gte]": "20000", "price[lte]": "30000"}, sort="price"),
        "product_summaries_by_price",
        6_000,
    ),
    "its own page": (("/storefront/products/product-777", {}), "product_summaries_by_slug", 5),
    "the tree of categories": (("/storefront/categories", {}), None, 5),
    "a word": (searched("shirt"), "product_summaries_by_key", 3_000),
    "a word of Bengali": (searched("শাড়ি"), "product_summaries_by_key", 3_000),
    "a common word": (searched("cotton"), "product_summaries_by_key", 500),
    "a word of a third of all descriptions": (searched("village"), "product_summaries_by_key", 3_000),
    "three words": (searched("red silk shirt"), "product_summaries_by_key", 3_000),
    "a misspelt word": (searched("panjbai"), "product_summaries_by_key", 3_500),
    "a word that nothing is like": (searched("qwxzptk"), "search_words_by_likeness", 500),
    "a SKU": (searched("SKU-777-1"), "product_summaries_by_key", 100),
    "a word, narrowed": (searched("shirt", category="category-56"), "product_summaries_by_terms", 3_000),
    "a beginning": (("/storefront/search/suggestions", {"q": "panj"}), "product_summaries_by_key", 3_000),
}


FOR_MERCHANTS: dict[str, tuple[tuple[str, dict[str, str]], str | None, int]] = {
    "newest": (("/products", {}), "products_by_birth", 300),
    "by title": (("/products", {"sort": "title"}), "products_by_title", 300),
    "last changed": (("/products", {"sort": "-updated_at"}), "products_by_change", 300),
    "a slug": (("/products", {"slug": "product-777"}), "products_by_slug", 300),
    "words": (("/products", {"q": "Shirt 50777"}), None, 5_000),
    "a SKU": (("/products", {"q": "SKU-777-1"}), None, 5_000),
    "a tag of a tenth of them": (("/products", {"tag": "jamdani"}), None, 25_000),  # all that have it are sorted
}


# One test, since it waits for one store: spread over workers, each of them would make that store.
@pytest.mark.timeout(900)
def test_what_people_wait_for_uses_its_index_at_100_000_products(
    application: None,  # noqa: ARG001 -- its settings
    fresh_database: FreshDatabases,
    figures: Figures,
) -> None:
    offences: list[str] = []
    most_looked_at = 0
    with a_place(fresh_database, products=PRODUCTS, others=OTHERS) as place:
        for caller, asked in ((place.store.shopper, FOR_SHOPPERS), (place.store.merchant, FOR_MERCHANTS)):
            for name, ((path, params), index, most) in asked.items():
                _, found = ask(caller, path, params)
                most_looked_at = max(most_looked_at, found.looked_at)
                offences += judged(name, found, index, most)
        offences += _pages_that_grow(place)

    figures.add("plans at 100,000 products", requests=len(FOR_SHOPPERS) + len(FOR_MERCHANTS), offences=len(offences))
    figures.add("plans at 100,000 products", most_rows_looked_at=most_looked_at)
    assert not offences, "\n".join(offences)


def judged(name: str, found: Seen, index: str | None, most: int) -> list[str]:
    """Return what is wrong with the plans of a request."""
    offences = [f"{name}: reads {table} from its beginning" for table in sorted(found.read_whole)]
    if index is not None and index not in found.indexes:
        offences.append(f"{name}: uses {', '.join(sorted(found.indexes)) or 'no index'} and not {index}")
    if found.looked_at > most:
        offences.append(f"{name}: looks at {found.looked_at} rows, and {most} are enough")
    return offences


def _pages_that_grow(place: Place) -> list[str]:
    offences = []
    path, params = listed(limit="100")
    for number in range(1, 6):
        page, found = ask(place.store.shopper, path, params)
        params["cursor"] = page.json()["page"]["next_cursor"]
        offences += judged(f"page {number}", found, "product_summaries_by_age", 105)
    return offences


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("index", "asked", "most"),
    [
        ("product_summaries_by_age", listed(), 25),
        ("product_summaries_by_slug", ("/storefront/products/product-777", {}), 5),
        ("product_summaries_by_key", searched("SKU-777-1"), 1_000),
    ],
)
def test_a_missing_index_is_seen(small: Place, index: str, asked: tuple[str, dict[str, str]], most: int) -> None:
    whole = ask(small.store.shopper, *asked)[1]
    assert judged("with it", whole, index, most) == []

    plans.run(
        small.here,
        f"alter index {index} rename to planted",
        "update pg_index set indisvalid = false where indexrelid = 'planted'::regclass",
    )
    try:
        without = ask(small.store.shopper, *asked)[1]
    finally:
        plans.run(
            small.here,
            "update pg_index set indisvalid = true where indexrelid = 'planted'::regclass",
            f"alter index planted rename to {index}",
        )

    assert judged("without it", without, index, most) != []


@pytest.fixture(scope="module")
def small(application: None, fresh_database: FreshDatabases) -> Iterator[Place]:  # noqa: ARG001 -- its settings
    """Return a store of some products alone."""
    with a_place(fresh_database, products=FEWER, others=0) as made:
        yield made
