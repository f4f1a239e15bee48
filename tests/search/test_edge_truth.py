"""Whatever changes in a store, the edge keeps nothing that is not so any more, once it was told what to forget."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.kept import kept_paths
from shared.core import clock, ids, topology
from shared.core.clock import FrozenClock
from shared.core.settings import use_settings
from shared.search import invalidation, surrogates
from tests.edge import Edge
from tests.search.edge_truth import Truth
from tests.search.shopfront import Shop, a_shop, deliver, made_of, relay
from tests.tenancy.living import queues_kept

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)

type Change = Callable[[Shop], object]

LISTS = (
    "",
    *(f"sort={sign}{name}" for name in ("newest", "price", "name", "bestselling") for sign in ("", "-")),
    "category=home",
    "category=mugs",
    "category=clothes,bath&sort=name",
    "brand=deshi",
    "brand=rupali&sort=price",
    "label=sale",
    "attribute[color]=red",
    "attribute[color]=blue,green&category=home",
    "attribute[waterproof]=true",
    "attribute[weight][gte]=1",
    "in_stock=true",
    "in_stock=false&brand=deshi",
    "price[gte]=1000&price[lte]=2000",
    "include=total",
    "include=total&category=home",
    "include=facets",
    "include=total,facets&brand=deshi",
)
SEARCHES = ("mug", "shirt", "শাড়ি", "deshi", "kitchen", "thing-3-0", "silk", "new", "zinc", "mugg")
GROUPS = ("categories", "categories/kitchen", "categories/home", "brands", "labels", "store")


def paths(shop: Shop) -> list[str]:
    """Return what shoppers ask for, further pages left out."""
    lists = [f"products?{query}{'&' if query else ''}limit={limit}" for query in LISTS for limit in (3, 20)]
    searches = [f"search?q={word}&limit=3" for word in SEARCHES] + ["search?q=mug&in_stock=true&category=home"]
    suggested = [f"search/suggestions?q={word}" for word in SEARCHES]
    pages = [f"products/{one.slug}" for one in shop.goods]
    return [f"/storefront/{path}" for path in (*lists, *searches, *suggested, *GROUPS, *pages)]


def browse(shop: Shop, edge: Edge) -> int:
    """Ask for everything through the edge, each list to its end; return how many answers that were."""
    asked = 0
    headers = {"X-Publishable-Key": shop.store.publishable_key}
    for path in paths(shop):
        following: str | None = path
        while following is not None:
            asked += 1
            answer = edge.get(following, headers=headers).answer
            listed = answer.json().get("page") if answer.status_code == 200 else None
            cursor = listed and listed["next_cursor"]
            following = f"{path}&cursor={cursor}" if cursor else None
    return asked


def told(shop: Shop, edge: Edge, time: FrozenClock) -> int:
    """Let happen what follows from a change, up to the edge's forgetting; return how many answers went."""
    relay(shop.store)
    return forget(shop, edge, time)


def forget(shop: Shop, edge: Edge, time: FrozenClock) -> int:
    """Tell the edge, a second later, what it has to forget; return how many answers went."""
    time.tick(timedelta(seconds=1))
    with shop.store.session() as session:
        claimed = invalidation.claim(session)
        if claimed is not None:
            invalidation.settle(session, claimed, taken=True)
    return 0 if claimed is None else edge.forget(claimed.tags)


def product(number: int, **edit: Any) -> Change:
    """Edit a product, by its place."""
    return lambda shop: made_of(shop.store.merchant.patch(f"/products/{shop.goods[number].id}", json=edit))


def variant(number: int, place: int, **edit: Any) -> Change:
    """Edit a variant of a product, by their places."""
    return lambda shop: made_of(shop.store.merchant.patch(f"/variants/{_variant(shop, number, place)}", json=edit))


def adjust(number: int, delta: int) -> Change:
    """Change what is on the shelf of a product's first variant."""

    def change(shop: Shop) -> None:
        path = f"/inventory/{_variant(shop, number, 0)}/adjustments"
        made_of(shop.store.merchant.post(path, json={"delta": delta}, key=True))

    return change


def call(method: str, path: str, body: Any = None) -> Change:
    """Send a request in whose path `{...}` names a group by its slug or a product by its place."""
    return lambda shop: made_of(shop.store.merchant.request(method, _filled(shop, path), json=body, key=True))


CHANGES: dict[str, Change] = {
    "dearer": variant(0, 0, price=70_000),
    "cheaper": variant(1, 0, price=50),
    "on offer": variant(1, 0, compare_at=100_000),
    "another SKU": variant(2, 0, sku="SILK"),
    "renamed": product(3, title="Shirt of silk"),
    "described": product(4, description="<p>Feels like silk</p>"),
    "with tags": product(5, tags=["silk"], vendor="Zinc"),
    "another slug": product(6, slug="silken"),
    "another brand": product(7, brand="rupali"),
    "other categories": product(8, categories=["mugs", "shirts"]),
    "other labels": product(9, labels=["sale"]),
    "other attributes": product(10, attributes={"color": ["red"], "weight": 7}),
    "in stock": adjust(11, 4),
    "one less": adjust(11, -1),
    "sold out": adjust(11, -3),
    "archived": product(0, status="archived"),
    "active again": product(0, status="active"),
    "deleted": call("DELETE", "/products/{1}"),
    "restored": call("POST", "/products/{1}/restore"),
    "new": lambda shop: shop.add(13, random.Random(5)),
    "category renamed": call("PATCH", "/categories/{categories.kitchen}", {"name": "Kitchen and mugs"}),
    "category moved": call("POST", "/categories/{categories.mugs}/move", {"parent_id": None}),
    "category emptied": call("DELETE", "/categories/{categories.bath}"),
    "brand renamed": call("PATCH", "/brands/{brands.deshi}", {"name": "Silk of Desh"}),
    "brand deleted": call("DELETE", "/brands/{brands.rupali}"),
    "label recoloured": call("PATCH", "/labels/{labels.sale}", {"color": "#ff0000"}),
    "label deleted": call("DELETE", "/labels/{labels.new}"),
    "attribute renamed": call("PATCH", "/attributes/{attributes.color}", {"name": "Colour"}),
    "attribute hidden": call("PATCH", "/attributes/{attributes.waterproof}", {"filterable": False}),
    "store renamed": call("PATCH", "/store", {"name": "Rupali"}),
}


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture
def edge() -> Iterator[Edge]:
    with use_settings(edge_distribution="local", origin_secret=None):
        yield Edge(kept_paths(topology.load()))


def test_nothing_that_the_edge_keeps_outlives_the_change_of_what_it_shows(edge: Edge, time: FrozenClock) -> None:
    shop = a_shop()
    shop.add_some(13)  # of pages of three the last has one, and goes with it
    told(shop, edge, time)
    truth = Truth(shop.store, edge)

    untrue = {}
    for name, change in CHANGES.items():
        browse(shop, edge)
        change(shop)
        told(shop, edge, time)
        untrue[name] = [str(one) for path, kept in truth.of_all() if (one := truth.look(path, kept))]

    assert {name: found for name, found in untrue.items() if found} == {}


def test_a_search_that_was_kept_before_a_renamed_brand_reached_the_products_is_told(
    edge: Edge, time: FrozenClock
) -> None:
    shop = a_shop()
    shop.add_some(5)
    titled = {
        "title": "Deshi",
        "status": "active",
        "variants": [{"sku": "D", "price": 100}],
    }  # found first, and no brand's
    made_of(shop.store.merchant.post("/products", json=titled))
    told(shop, edge, time)
    path = "/storefront/search/suggestions?q=deshi&limit=1"
    headers = {"X-Publishable-Key": shop.store.publishable_key}
    seen = [edge.get(path, headers=headers).answer.json()["brands"][0]["slug"]]

    call("PATCH", "/brands/{brands.deshi}", {"slug": "of-desh"})(shop)
    with queues_kept() as waiting:
        deliver("outbox", [{"store_id": str(shop.store.id)}])
    for queue in ("edge-outdating", "summaries-of-groups"):
        assert deliver(queue, [dict(body) for name, body in waiting if name == queue]) == []
        forget(shop, edge, time)
        seen.append(edge.get(path, headers=headers).answer.json()["brands"][0]["slug"])

    assert seen == ["deshi", "deshi", "of-desh"]


def test_a_list_by_price_is_one_however_its_query_is_written() -> None:
    plain, escaped = (surrogates.of_list(ids.new_id(), query, b"{}") for query in ("sort=price", "sort=%70rice"))

    assert [len(plain), len(escaped)] == [3, 3]


def _variant(shop: Shop, number: int, place: int) -> str:
    return shop.store.variant(f"thing-{number}-{place}")


def _filled(shop: Shop, path: str) -> str:
    if "{" not in path:
        return path
    before, _, rest = path.partition("{")
    named, _, after = rest.partition("}")
    if named.isdecimal():
        return f"{before}{shop.goods[int(named)].id}{after}"
    kind, _, slug = named.partition(".")
    found = made_of(shop.store.merchant.get(f"/{kind}", params={"limit": 100}))["data"]
    group_id = next(one["id"] for one in found if slug in (one.get("slug"), one.get("code")))
    return f"{before}{group_id}{after}"
