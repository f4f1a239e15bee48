"""One product that everybody wants: how fast it sells, and that not one unit more is sold than there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from shared.core import driver
from tests.bench.acts import PURCHASE
from tests.bench.gateways import Gateways, Load, gateways
from tests.bench.over_http import PROCESSES
from tests.bench.table import Cell, show, tell
from tests.bench.workloads import shop_of
from tests.bench.world import World, stocked_store
from tests.factories import StoreUnderTest, add_product

_CLIENTS = 16
_PLENTY, _FEW = 1_000_000, 100  # units
_BUYERS = 3 * _FEW  # who come for the few
_HOT, _SCARCE = "HOT", "SCARCE"

_TRUTH = """
select (select coalesce(sum(quantity), 0)::int8 from order_lines where store_id = %s::uuid and variant_id = %s::uuid),
       (select on_hand from stock_levels where store_id = %s::uuid and variant_id = %s::uuid),
       (select reserved from stock_levels where store_id = %s::uuid and variant_id = %s::uuid),
       (select sum(delta)::int8 from inventory_adjustments where store_id = %s::uuid and variant_id = %s::uuid)
"""


def show_hot_product(world: World, seconds: float) -> None:
    """Let everybody buy one product, of which there is plenty, and then one of which there is not; count what was sold.

    Raises:
        AssertionError: more or less was sold than there was, or the books do not agree.
    """
    store = stocked_store()
    many = replace(store, variants=dict(store.variants))
    for sku, units in ((_HOT, _PLENTY), (_SCARCE, _FEW)):
        add_product(store, sku, stock=units)
    with _selling(world, many, None) as running:
        spread = running.bear(PURCHASE, clients=_CLIENTS, processes=PROCESSES, seconds=seconds)
    tell("of twenty products")
    with _selling(world, store, _HOT) as running:
        hot = running.bear(PURCHASE, clients=_CLIENTS, processes=PROCESSES, seconds=seconds)
    tell("of one product")
    with _selling(world, store, _SCARCE) as running:
        scarce = running.bear(PURCHASE, clients=_CLIENTS, processes=PROCESSES, seconds=60, most=_BUYERS)
    tell("of one that is sold out")
    sold, left = sold_and_left(world.superuser_url(), store, _SCARCE)
    assert (sold, left, len(scarce.walls)) == (_FEW, 0, _FEW), (sold, left, len(scarce.walls), scarce.refusals)
    sold_hot, left_hot = sold_and_left(world.superuser_url(), store, _HOT)
    assert sold_hot + left_hot == _PLENTY, (sold_hot, left_hot)
    assert not spread.refusals + hot.refusals, spread.refusals + hot.refusals
    rows: list[list[Cell]] = [
        [*_row("one of 20 products, drawn", spread), spread.gateway_cpu_ms, spread.database_cpu_ms],
        [*_row("one product for all", hot), hot.gateway_cpu_ms, hot.database_cpu_ms],
        [*_row(f"{_BUYERS} buyers of {_FEW} units", scarce), None, None],  # the refused took some of it
    ]
    show(
        f"One store, {_CLIENTS} clients who buy",
        ("ms", "per s", "p50", "p95", "others", "refused", "CPU of gateway", "of PG"),
        rows,
        f"Of {_FEW} units {sold} were sold, {left} are left, oversold: {max(0, sold - _FEW)};"
        f" refused: {dict(scarce.refusals)}.",
        f"Of {_PLENTY:,} units {sold_hot} were sold, {left_hot:,} are left. It is the sum of all movements.",
    )


@contextmanager
def _selling(world: World, store: StoreUnderTest, sku: str | None) -> Iterator[Gateways]:
    shown = store if sku is None else replace(store, variants={sku: store.variants[sku]})
    with gateways([shop_of(shown)], url=world.url, processes=PROCESSES, database_cpu=world.database_cpu) as running:
        yield running


def sold_and_left(superuser_url: str, store: StoreUnderTest, sku: str) -> tuple[int, int]:
    """Return how many units orders have and how many are left.

    Raises:
        AssertionError: something is held for nobody, or what is on hand is not the sum of its movements.
    """
    variant = store.variant_id(sku)
    with driver.connect_to(superuser_url) as connection:
        cursor = connection.cursor()
        cursor.execute(_TRUTH, [str(store.id), str(variant)] * 4)
        ((sold, on_hand, reserved, moved),) = cursor.fetchall()
    assert reserved == 0, f"{reserved} units of {sku} are held for nobody."
    assert on_hand == moved, f"On hand of {sku} are {on_hand}, its movements come to {moved}."
    return sold, on_hand


def _row(what: str, load: Load) -> list[Cell]:
    return [what, load.per_second, load.p50, load.p95, f"{load.others:.0%}", load.refusals.total()]
