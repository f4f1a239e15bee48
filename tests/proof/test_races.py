"""The races of `make proof`, small and in one process: the same people over the same handlers, in threads.

The clock stands still but for jumps past the end of reservations, in the middle of everything.
"""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from shared.core import clock, ids
from tests.client import Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.figures import Figures
from tests.imports import files
from tests.proof import races, races_imports, races_truth
from tests.proof.races_buyers import Met, Person, live
from tests.proof.races_imports import Product
from tests.proof.races_truth import Outcome, Stock
from tests.tenancy.living import deliver

pytestmark = pytest.mark.usefixtures("watch")

AT_ONCE = 12
LIMITS = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000}
SEED = 20_261_121


def test_of_eighty_buyers_of_twenty_units_twenty_get_one(figures: Figures) -> None:
    store = a_store(stock={"DROP": 20}, settings=LIMITS)
    basket = {store.variant("DROP"): 1}
    people = [
        {"does": "buy" if number % 2 else "order", "number": number, "name": str(number), "basket": basket}
        for number in range(80)
    ]

    met, seen = race(store, people)

    assert (seen.units, seen.refused, seen.failures, seen.surprises) == (20, 60, 0, [])
    assert stock(store) == {store.variant("DROP"): Stock(0, 0)}
    assert len(met) == 80
    figures.add("race for one thing, in threads", people=len(met), peak_in_flight=seen.peak)


def test_baskets_in_any_order_cancels_expiries_counts_and_imports_leave_what_the_answers_say(
    sql: Sql, figures: Figures
) -> None:
    chance = random.Random(SEED)
    store = a_store(settings=LIMITS)
    products = [on_sale(store, name) for name in "ABC"]
    before = races.units_of(products, 25)
    people = races.a_crowd(chance, products, 70)
    expire = partial(deliver, "reservation-expiry", {"store_id": str(store.id)})
    imports = [partial(files.imported, store, races_imports.file_of(chance, products, 25)) for _ in range(4)]

    with clock.frozen(datetime(2026, 12, 1, 9, tzinfo=UTC)) as stopped:
        jump = partial(stopped.tick, timedelta(minutes=16))
        met, seen = race(store, people, meanwhile=[*imports, *(jump, expire) * 6], chance=chance)
        stopped.tick(timedelta(minutes=16))
        for _ in imports:  # what was lost to another when its lease was over
            files.work(store.id)
        assert expire()

    assert (seen.failures, seen.surprises) == (0, [])
    declared = declared_in(sql, store)
    assert races_truth.offences(races_truth.left_over(before, met, declared), stock(store)) == []
    assert {job["status"] for job in store.merchant.get("/jobs").json()["data"]} == {"succeeded"}
    assert any(declared.values())
    assert store.merchant.get("/inventory/reconciliation").json()["drift"] == []
    assert seen.refused > 0
    assert {person["does"] for person in met} == {"buy", "order", "give up", "leave", "regret", "adjust", "declare"}
    figures.add("race for baskets, in threads", people=len(met), peak_in_flight=seen.peak)


def test_the_judge_notices_a_unit_that_was_sold_twice_and_one_that_stayed_reserved() -> None:
    met: list[Met] = [{"sold": {"A": 2}, "moved": 0}, {"sold": {}, "moved": 3, "variant": "B"}]

    expected = races_truth.left_over({"A": 5, "B": 1}, met)

    assert expected == {"A": 3, "B": 4}
    assert races_truth.offences(expected, {"A": Stock(3, 0), "B": Stock(4, 0)}) == []
    assert len(races_truth.offences(expected, {"A": Stock(4, 0), "B": Stock(4, 1)})) == 2


def on_sale(store: StoreUnderTest, name: str) -> Product:
    """Put a product with two sizes on sale, 25 of each."""
    sizes = [{"sku": f"{name}-{size}", "option_values": [size], "price": 50_000, "stock": 25} for size in "SL"]
    wanted = {"title": name, "status": "active", "options": ["Size"], "variants": sizes}
    product: Product = store.merchant.post("/products", json=wanted).json()
    store.variants |= {variant["sku"]: variant["id"] for variant in product["variants"]}
    return product


def declared_in(sql: Sql, store: StoreUnderTest) -> dict[str, int]:
    """Return by how much declarations changed what is on hand of each variant, as its history has it."""
    rows = sql(
        "select variant_id, sum(delta)::bigint as delta from inventory_adjustments "
        "where store_id = %s and kind in ('import', 'correction') group by variant_id",
        store.id,
    )
    return {ids.encode("var", row["variant_id"]): row["delta"] for row in rows}


def race(
    store: StoreUnderTest,
    people: Sequence[Person],
    *,
    meanwhile: Sequence[Callable[[], object]] = (),
    chance: random.Random | None = None,
) -> tuple[list[Met], Outcome]:
    """Let people go in threads, and other things happen in between; return what each met, and all of it added up."""
    under_way = threading.BoundedSemaphore(AT_ONCE)
    keys = {"key": store.publishable_key, "token": store.secret_token}
    acts: list[Callable[[], object]] = [partial(live, send, one, **keys, under_way=under_way) for one in people]
    acts += meanwhile
    (chance or random.Random(SEED)).shuffle(acts)
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        done = list(crowd.map(lambda act: act(), acts))
    met = [one for one in done if isinstance(one, dict)]
    seen = Outcome()
    seen.add(met)
    return met, seen


def send(method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Send a call to its handler, in this thread."""
    answer = Client().request(method, path, json=body, headers=headers)
    return answer.status_code, answer.json()


def stock(store: StoreUnderTest) -> dict[str, Stock]:
    """Return what is there of each variant."""
    levels = {variant: store.stock(sku) for sku, variant in store.variants.items()}
    return {variant: Stock(level["on_hand"], level["reserved"]) for variant, level in levels.items()}
