"""How much of what shoppers mean is found, misspelt and in two scripts, and that nonsense finds nothing."""

from collections.abc import Sequence

import pytest

from tests import figures
from tests.factories import StoreUnderTest, a_store
from tests.search import misspellings as m

PAIRS = {"English": m.ENGLISH, "Bengali": m.BENGALI, "one script for the other": m.ACROSS, "unseen": m.UNSEEN}
GOAL = {"English": 0.95, "Bengali": 0.95, "one script for the other": 0.9, "unseen": 0.9}


@pytest.fixture(scope="module")
def shop(application: None) -> StoreUnderTest:  # noqa: ARG001 -- the store is made by it
    """Return a store with the whole shelf on sale."""
    store = a_store()
    for place, title in enumerate(m.SHELF):
        product = {"title": title, "slug": f"thing-{place}", "status": "active"}
        answer = store.merchant.post("/products", json={**product, "variants": [{"sku": f"T-{place}", "price": 100}]})
        assert answer.status_code == 201, answer.text
    store.show()
    return store


def missed(shop: StoreUnderTest, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return the pairs whose product is not among the first ten."""
    lost = []
    for typed, meant in pairs:
        answer = shop.shopper.get("/storefront/search", params={"q": typed, "limit": "10"})
        assert answer.status_code == 200, answer.text
        titles = [one["title"] for one in answer.json()["data"]]
        if not any(title.startswith(meant) for title in titles):
            lost.append(f"{typed} -> {meant}: {titles}")
    return lost


@pytest.mark.parametrize("kind", PAIRS)
def test_what_is_meant_is_among_the_first_ten(shop: StoreUnderTest, kind: str) -> None:
    pairs = PAIRS[kind]

    lost = missed(shop, pairs)

    recall = 1 - len(lost) / len(pairs)
    figures.of_this_run.add(f"search, {kind}", searches=len(pairs), missed=len(lost))
    assert recall >= GOAL[kind], f"{recall:.2f}\n" + "\n".join(lost)


def test_each_pair_means_a_thing_on_the_shelf_and_there_are_a_hundred() -> None:
    assert len(m.ENGLISH) + len(m.BENGALI) + len(m.ACROSS) >= 100
    assert all(any(title.startswith(meant) for title in m.SHELF) for pairs in PAIRS.values() for _, meant in pairs)


@pytest.mark.parametrize("typed", m.NONSENSE)
def test_what_means_nothing_in_the_shop_finds_nothing(shop: StoreUnderTest, typed: str) -> None:
    answer = shop.shopper.get("/storefront/search", params={"q": typed})

    assert answer.status_code == 200
    assert [one["title"] for one in answer.json()["data"]] == []


def test_a_word_of_one_thing_finds_that_alone(shop: StoreUnderTest) -> None:
    answer = shop.shopper.get("/storefront/search", params={"q": "umbrekla"})

    assert [one["title"] for one in answer.json()["data"]] == ["Umbrella Foldable"]
    assert answer.json()["did_you_mean"] == "umbrella"
