"""A day's traffic through the edge: how much of it the origin never sees, and how untrue that is, for how long."""

import time

from tests import assortments
from tests.bench.table import Cell, percentile, show
from tests.bench.world import World
from tests.factories import a_store
from tests.search.shop_day import FORGETS, ORIGIN, Figures, Rates, live

PRODUCTS = 1000
RATES = Rates(visits=4000, sales=400, prices=60, texts=20, new=12, renamed=2)
_SEED = 20_261_121
_SHELL = ("store", "categories")  # what a storefront asks for at the beginning of each visit, whatever is looked at


_HOW = ("hit", "regional", "stale", "revalidated", "miss", "passed")


def show_day(world: World, _seconds: float) -> None:
    """Live through a day and print it."""
    store = a_store(allowed_origins=[ORIGIN])
    assortments.seed(world.superuser_url(), store.id, products=PRODUCTS)
    started = time.monotonic()
    figures, edge = live(store, RATES, seed=_SEED)
    took = time.monotonic() - started
    rows: list[list[Cell]] = []
    for kind, how in sorted(figures.by_kind.items()):
        counts: list[Cell] = [how[one] for one in _HOW]
        rows.append([kind, how.total(), *counts, figures.hits(kind)])
    every: list[Cell] = [figures.how[one] for one in _HOW]
    browsed = tuple(kind for kind in figures.by_kind if kind not in _SHELL)
    rows.append(["all", figures.asked, *every, figures.hits()])
    show(
        f"A day behind the edge: {PRODUCTS} products, {RATES.visits} visits, four locations",
        ("requests", "in all", *_HOW, "hit ratio"),
        rows,
        f"Without store and categories, of which each visit begins with one: {figures.hits(*browsed):.3f}. Goal: 0.65.",
        f"The origin saw {edge.asked} requests and sent {edge.sent / 2**20:.1f} MiB; viewers got"
        f" {figures.sent / 2**20:.1f} MiB before compression.",
        f"Written: {RATES.sales} sales, {RATES.prices} prices, {RATES.texts} texts, {RATES.new} new, {RATES.renamed}"
        f" renamed. CloudFront was told {figures.told} tags in {figures.requests_to_tell} requests,"
        f" and {figures.forgotten} answers went.",
        _truth(figures),
        f"Refused: {dict(figures.failed) or 'none'}. Took {took:.0f} s.",
    )


def _truth(figures: Figures) -> str:
    told = f"Of {figures.compared} sampled hits, all were what the origin would have said"
    if figures.stale:
        seconds = [one.seconds for one in figures.stale]
        told = (
            f"Of {figures.compared} sampled hits {len(seconds)} were not what the origin would have said,"
            f" for {percentile(seconds, 0.5):.1f} s in the middle and {max(seconds):.1f} s at the longest"
            f" (CloudFront is taken to forget {FORGETS:.0f} s after it was told)"
        )
    told += f", {figures.reordered} in another order by what was sold since."
    lasting = f"Of {figures.inspected} answers kept at seven moments and those hits, {len(figures.lasting)} stayed so."
    return "\n  ".join((told, lasting, *map(str, (*figures.stale, *figures.lasting))))
