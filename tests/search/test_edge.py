"""The storefront behind an edge: nobody sees another store's answers, and a change is seen once the edge was told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from infra.kept import kept_paths
from shared.core import clock, topology
from shared.core.clock import FrozenClock
from shared.core.settings import use_settings
from shared.search import invalidation, summaries
from tests.edge import Edge, Seen
from tests.factories import StoreUnderTest, a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
PATHS = ("/storefront/store", "/storefront/products", "/storefront/products/product-mug", "/storefront/categories")


@pytest.fixture
def edge() -> Iterator[Edge]:
    with use_settings(edge_distribution="local", origin_secret=None):
        yield Edge(kept_paths(topology.load()))


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


def shown(store: StoreUnderTest) -> None:
    """Bring the store's summaries up to date, as the consumer of its events does."""
    with store.session() as session:
        summaries.refresh(session, summaries.all_after(session, UUID(int=0), 1000))


def told(store: StoreUnderTest, edge: Edge) -> int:
    """Tell the edge what it has to forget, as the consumer does; return how many answers went."""
    with store.session() as session:
        claimed = invalidation.claim(session)
    return 0 if claimed is None else edge.forget(claimed.tags)


def by_key(store: StoreUnderTest) -> dict[str, str]:
    return {"X-Publishable-Key": store.publishable_key}


def by_host(store: StoreUnderTest) -> dict[str, str]:
    return {"Host": f"{store.slug}.shops.test"}


def test_no_store_is_ever_shown_anothers_answers(edge: Edge, time: FrozenClock) -> None:
    stores = [a_store(stock={"MUG": number}, price={"MUG": 100 + number}) for number in (1, 2, 3)]
    for store in stores:
        shown(store)

    seen: dict[tuple[str, str], set[bytes]] = {}
    for _ in range(2):  # the second time out of the cache
        for path in PATHS:
            for store in stores:
                for headers in (by_key(store), by_host(store), by_key(store) | {"Origin": "https://evil.example"}):
                    answer = edge.get(path, headers=headers)
                    seen.setdefault((path, store.slug), set()).add(answer.answer.body)
                by_query = f"{path}?publishable_key={store.publishable_key}"
                seen[path, store.slug].add(edge.get(by_query).answer.body)

    for path in PATHS:
        bodies = [seen[path, store.slug] for store in stores]
        assert [len(one) for one in bodies] == [1, 1, 1], path
        assert len(set.union(*bodies)) == (1 if path == "/storefront/categories" else 3), path
    assert time.now() == NOON


def test_who_names_no_store_or_a_wrong_one_is_refused_whatever_is_kept(edge: Edge) -> None:
    store = a_store(stock={"MUG": 1})
    shown(store)
    edge.get("/storefront/products", headers=by_key(store))

    strangers: list[dict[str, str]] = [{}, {"X-Publishable-Key": "pk_nobody"}, {"Host": "nobody.shops.test"}]
    refused = [edge.get("/storefront/products", headers=one) for one in strangers for _ in range(2)]

    assert [one.answer.status_code for one in refused] == [401] * 6
    assert {one.how for one in refused} == {"miss"}


def test_each_locale_and_currency_has_an_answer_of_its_own_and_each_browser_has_not(edge: Edge) -> None:
    store = a_store()

    def how(**headers: str) -> str:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return edge.get("/storefront/store", headers=by_key(store) | told).how

    first = [how(), how(accept_language="bn"), how(x_currency="USD")]
    again = [how(accept_language="fr"), how(accept_language="de, BN-bd;q=0.3"), how(accept_language="en-GB,en")]
    nonsense = [how(x_currency="Taka"), how(x_currency="usd"), how(cookie="a=b"), how(x_correlation_id="mine")]

    assert first == ["miss"] * 3
    assert again == ["hit"] * 3
    assert nonsense == ["hit"] * 4


def test_a_page_of_an_allowed_origin_may_read_what_another_page_or_none_asked_for_first(edge: Edge) -> None:
    store = a_store(allowed_origins=["https://rupali.example", "https://www.rupali.example"])
    origins = [None, "https://evil.example", "https://rupali.example", "https://www.rupali.example"]

    def allowed(origin: str | None) -> str | None:
        headers = by_key(store) | ({"Origin": origin} if origin else {})
        return edge.get("/storefront/store", headers=headers).answer.headers.get("access-control-allow-origin")

    first, again = [allowed(one) for one in origins], [allowed(one) for one in reversed(origins)]

    assert first == again[::-1] == [None, None, *origins[2:]]


def test_a_change_is_seen_once_the_edge_was_told(edge: Edge, time: FrozenClock) -> None:
    store = a_store(stock={"MUG": 3, "TEE": 3})
    shown(store)
    paths = ("/storefront/products", "/storefront/products/product-mug", "/storefront/products/product-tee")
    time.tick(timedelta(seconds=1))
    told(store, edge)
    before = [edge.get(path, headers=by_key(store)) for path in paths]

    product = before[1].answer.json()["id"]
    edited = store.merchant.patch(f"/products/{product}", json={"title": "Hand-made mug"})
    assert edited.status_code == 200, edited.text
    untold = [edge.get(path, headers=by_key(store)) for path in paths]
    shown(store)
    time.tick(timedelta(seconds=1))
    gone = told(store, edge)
    after = [edge.get(path, headers=by_key(store)) for path in paths]

    assert [one.how for one in before] == ["miss"] * 3
    assert [one.how for one in untold] == ["hit"] * 3
    assert gone == 4  # a list and a page, at a location and in its region
    assert [one.how for one in after] == ["miss", "miss", "hit"]
    assert "Hand-made mug" in after[0].answer.text
    assert after[1].answer.json()["title"] == "Hand-made mug"


@pytest.mark.parametrize("change", ["new", "sold_out", "ended"])
def test_lists_follow_what_comes_and_goes(edge: Edge, time: FrozenClock, change: str) -> None:
    store = a_store(stock={"MUG": 3, "TEE": 3})
    shown(store)
    time.tick(timedelta(seconds=1))
    told(store, edge)
    path = "/storefront/products?sort=price"
    product = edge.get("/storefront/products/product-mug", headers=by_key(store)).answer.json()["id"]
    first = edge.get(path, headers=by_key(store))

    alter(store, change, product)
    shown(store)
    time.tick(timedelta(seconds=1))
    told(store, edge)
    after = edge.get(path, headers=by_key(store))

    assert (first.how, after.how) == ("miss", "miss")
    cards = {one["slug"]: one["in_stock"] for one in after.answer.json()["data"]}
    assert (
        cards
        == {
            "new": {"product-mug": True, "product-tee": True, "product-cup": True},
            "sold_out": {"product-mug": False, "product-tee": True},
            "ended": {"product-tee": True},
        }[change]
    )


def test_another_stores_change_takes_nothing_back(edge: Edge, time: FrozenClock) -> None:
    mine, theirs = a_store(stock={"MUG": 3}), a_store(stock={"MUG": 3})
    for store in (mine, theirs):
        shown(store)
        edge.get("/storefront/products", headers=by_key(store))

    time.tick(timedelta(seconds=1))
    told(theirs, edge)

    assert edge.get("/storefront/products", headers=by_key(mine)).how == "hit"
    assert edge.get("/storefront/products", headers=by_key(theirs)).how == "miss"


def test_what_is_old_is_asked_for_again_and_costs_no_body(edge: Edge, time: FrozenClock) -> None:
    store = a_store(stock={"MUG": 3})
    shown(store)

    def seen() -> Seen:
        return edge.get("/storefront/products", headers=by_key(store))

    first, sent = seen(), edge.sent
    time.tick(timedelta(seconds=3900))
    stale = seen()
    time.tick(timedelta(hours=2))
    revalidated = seen()

    assert (first.how, stale.how, revalidated.how) == ("miss", "stale", "revalidated")
    assert edge.sent == sent
    assert revalidated.answer.body == first.answer.body


def test_a_former_slug_leads_to_the_present_one_and_never_in_a_circle(edge: Edge, time: FrozenClock) -> None:
    store = a_store(stock={"MUG": 3})
    shown(store)
    product = edge.get("/storefront/products/product-mug", headers=by_key(store)).answer.json()["id"]

    def seen(slug: str) -> list[int]:
        moved = store.merchant.patch(f"/products/{product}", json={"slug": slug})
        assert moved.status_code == 200, moved.text
        shown(store)
        time.tick(timedelta(seconds=1))
        told(store, edge)
        answers = [edge.get(f"/storefront/products/{one}", headers=by_key(store)) for one in ("product-mug", "cup")]
        return [one.answer.status_code for one in answers]

    assert seen("cup") == [301, 200]
    assert seen("product-mug") == [200, 301]


def test_nobodys_own_is_kept(edge: Edge) -> None:
    store = a_store(stock={"MUG": 3})
    made = store.shopper.post("/storefront/carts", json={}, key=True)
    cart, token = made.json()["id"], made.headers["x-cart-token"]

    mine = [edge.get(f"/storefront/carts/{cart}", headers=by_key(store) | {"X-Cart-Token": token}) for _ in range(2)]
    stranger = edge.get(f"/storefront/carts/{cart}", headers=by_key(store))

    assert [(one.how, one.answer.status_code) for one in mine] == [("passed", 200)] * 2
    assert (stranger.how, stranger.answer.status_code) == ("passed", 404)


def alter(store: StoreUnderTest, change: str, product: str) -> None:
    if change == "new":
        add_product(store, "CUP", stock=1)
    elif change == "sold_out":
        counted = {"delta": -3, "kind": "correction", "reason": "Broken"}
        answer = store.merchant.post(f"/inventory/{store.variant('MUG')}/adjustments", json=counted, key=True)
        assert answer.status_code == 201, answer.text
    else:
        answer = store.merchant.patch(f"/products/{product}", json={"status": "archived"})
        assert answer.status_code == 200, answer.text
