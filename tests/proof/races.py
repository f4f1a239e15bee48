"""Races for the same stock over HTTP: five hundred people in processes of their own, against the running system.

Two kinds. A drop: five hundred want one of a hundred units, twenty times over, while a file is imported that says all
of the product but its stock. A bustle: five hundred buy baskets of several variants in random order, while others give
up, walk away, cancel their orders, count the shelf and declare whole products, and files are imported that recount all
of them; then, while what was left behind expires, a hundred more come. Afterwards stock must be exactly what the
answers say it is. A promise lasts a minute: the drops fill the time until the bustle's end.
"""

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

from tests.local import running
from tests.local.running import Process
from tests.proof import races_imports, races_truth
from tests.proof.races_buyers import Met, Person
from tests.proof.races_imports import Product
from tests.proof.races_truth import Outcome, Stock
from tests.proof.report import Figures

RUNS = 20
BUYERS, UNITS = 500, 100
PRODUCTS, SIZES, ON_THE_SHELF = 4, 2, 60
IN_A_PROCESS = 50  # people
AT_ONCE = 8  # calls of one process under way; the gateway lets 16 in, and answers 500 to who waits 10 seconds there
PROMISE_SECONDS = 60  # the shortest reservation that a store can set
PATIENCE_SECONDS = 60  # until a sweep that was asked for has released everything
LIMITS = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000, "reservation_minutes": 1}

_BUYERS = Path(__file__).with_name("races_buyers.py")


@dataclass
class Shop:
    """A store of the running system, and what became of it so far."""

    system: Process
    key: str
    token: str
    chance: random.Random
    seen: Outcome = field(default_factory=Outcome)
    problems: list[str] = field(default_factory=list)
    imports: int = 0

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send a request as the merchant; return what came."""
        status, content = self.system.ask(method, f"/api/v1{path}", body=body, token=self.token)
        assert status < 300, content
        return content

    def stocked(self, products: int, sizes: int, units: int) -> list[Product]:
        """Put products on sale in so many sizes, each with so many units."""
        return [self._product(sizes, units) for _ in range(products)]

    def _product(self, sizes: int, units: int) -> Product:
        name = f"RACE-{self.chance.getrandbits(64):016x}"
        new = [
            {"sku": f"{name}-{place}", "option_values": [str(place)], "price": 50_000, "stock": units}
            for place in range(sizes)
        ]
        wanted = {"title": name, "status": "active", "options": ["Size"], "variants": new}
        product: Product = self.ask("POST", "/products", wanted)
        return product

    @contextmanager
    def importing(self, products: Sequence[Product], most: int | None) -> Iterator[None]:
        """Import one file after the other meanwhile, with counts up to `most`; with none where it is None."""
        over = threading.Event()
        with ThreadPoolExecutor(1) as merchant:
            jobs = merchant.submit(races_imports.keep_importing, self, products, most, over)
            try:
                yield
            finally:
                over.set()
        self.imports += len(jobs.result())
        self.problems += races_imports.offences(self, jobs.result(), races_truth.REFUSALS)

    def stock(self, variants: Iterable[str]) -> dict[str, Stock]:
        """Return what is there of these variants."""
        levels = {variant: self.ask("GET", f"/inventory/{variant}") for variant in variants}
        return {variant: Stock(level["on_hand"], level["reserved"]) for variant, level in levels.items()}

    def race(self, people: Sequence[Person]) -> list[Met]:
        """Let all of them go at once; return what they met."""
        crowd = list(people)
        self.chance.shuffle(crowd)
        met = let_go(self.system.port, crowd, key=self.key, token=self.token)
        self.seen.add(met)
        return met

    def judge(self, before: Mapping[str, int], met: Sequence[Met]) -> None:
        """Keep what of the stock is not as the people's answers say, or not as its own history does."""
        found = self.stock(before)
        self.problems += races_truth.offences(self.left_over(before, met), found)
        drift = self.ask("GET", "/inventory/reconciliation")["drift"]
        self.problems += [f"{level['variant_id']} drifted from its history: {level}" for level in drift]

    def left_over(self, before: Mapping[str, int], met: Sequence[Met]) -> dict[str, int]:
        """Return what must be there, by what people were answered and by what was declared meanwhile."""
        return races_truth.left_over(before, met, races_imports.declared(self, before))


@dataclass
class Drops:
    """The drops, one after the other: what each sold, and how many seconds the longest took."""

    shop: Shop
    sold: list[int] = field(default_factory=list)
    longest: float = 0.0

    def one(self) -> None:
        """Let one happen, by checkout and in one call in turn."""
        begun = time.monotonic()
        self.sold.append(drop(self.shop, "buy" if len(self.sold) % 2 else "order"))
        self.longest = max(self.longest, time.monotonic() - begun)

    def until(self, end: float) -> None:
        """Let them happen as long as another would be over in time, and wait for the rest of it."""
        while len(self.sold) < RUNS and time.monotonic() + self.longest < end:
            self.one()
        while time.monotonic() < end:
            time.sleep(0.1)

    def all(self) -> list[int]:
        """Let those happen that are left; return what each sold."""
        while len(self.sold) < RUNS:
            self.one()
        return self.sold


def run(seed: int) -> Figures:
    """Run all races against one system of their own."""
    with tempfile.TemporaryDirectory() as folder, running.running(Path(folder) / "state") as system:
        store = system.dev["stores"][0]
        shop = Shop(system, store["publishable_key"], store["secret_token"], random.Random(seed))
        shop.ask("PATCH", "/store", {"settings": shop.ask("GET", "/store")["settings"] | LIMITS})
        drops = Drops(shop)
        drops.one()
        bustle(shop, meanwhile=drops.until)
        sold = drops.all()
    oversold = sum(max(0, units - UNITS) for units in sold)
    exact = sold == [UNITS] * RUNS
    if not exact:
        shop.problems.append(f"Each run must sell {UNITS} units; they sold {sold}.")
    shop.problems += [f"Nobody may be told: {surprise}" for surprise in sorted(set(shop.seen.surprises))]
    facts = {
        "runs of 500 buyers for 100 units": RUNS,
        "orders": shop.seen.orders,
        "units oversold": oversold,
        "refused for want of stock": shop.seen.refused,
        "imports meanwhile": shop.imports,
        "calls": shop.seen.calls,
        "in flight at most": shop.seen.peak,
        "deadlocks and other failures told to a client": shop.seen.failures,
    }
    return Figures("races", facts, ok=not shop.problems, notes=shop.problems[:20])


def drop(shop: Shop, does: str) -> int:
    """Let five hundred race for a hundred units of one thing, by checkout or in one call; return how many were sold."""
    products = shop.stocked(1, 1, UNITS)
    before = units_of(products, UNITS)
    [variant] = before
    people = [
        {"does": does, "number": number, "name": f"{variant}-{number}", "basket": {variant: 1}}
        for number in range(BUYERS)
    ]
    with shop.importing(products, None):
        met = shop.race(people)
    shop.judge(before, met)
    return sum(person["sold"].get(variant, 0) for person in met)


def bustle(shop: Shop, *, meanwhile: Callable[[float], None]) -> None:
    """Let all kinds of people loose on a few variants, and again while what some left behind expires.

    `meanwhile` is what happens elsewhere in the store until a moment.
    """
    products = shop.stocked(PRODUCTS, SIZES, ON_THE_SHELF)
    before = units_of(products, ON_THE_SHELF)
    first = a_crowd(shop.chance, products, BUYERS)
    second = a_crowd(shop.chance, products, BUYERS // 5, first=BUYERS)
    ends = time.monotonic() + PROMISE_SECONDS
    with shop.importing(products, ON_THE_SHELF):
        met = shop.race(first)
    meanwhile(ends)  # the promises of those who left end in the middle of what follows
    with shop.importing(products, ON_THE_SHELF):
        met += shop.race(second)
    meanwhile(time.monotonic() + PROMISE_SECONDS)
    sweep_until_released(shop, before)
    shop.judge(before, met)
    rest = shop.left_over(before, met)
    met += shop.race([_whole(number, variant, units) for number, (variant, units) in enumerate(rest.items()) if units])
    shop.judge(before, met)
    unsold = {variant: level.on_hand for variant, level in shop.stock(before).items() if level.on_hand}
    shop.problems += [
        f"{units} units of {variant} were left that nobody could buy" for variant, units in unsold.items()
    ]


def units_of(products: Iterable[Product], units: int) -> dict[str, int]:
    """Return the variants of products, each with so many units."""
    return {variant["id"]: units for product in products for variant in product["variants"]}


def a_crowd(chance: random.Random, products: Sequence[Product], size: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Return so many people with baskets, most of whom buy; for five one who counts, for twenty one who declares."""
    fates = ["buy", "buy", "buy", "order", "give up", "leave", "regret"]
    variants = list(units_of(products, 0))
    people: list[dict[str, Any]] = []
    for number in range(first, first + size):
        chosen = chance.sample(variants, chance.randint(1, 4))  # in random order, as people choose
        basket = {variant: chance.randint(1, 2) for variant in chosen}
        people.append({"does": chance.choice(fates), "number": number, "name": _name(chance), "basket": basket})
    for _ in range(size // 5):
        delta = chance.choice([-2, -1, 1, 2])
        people.append({"does": "adjust", "name": _name(chance), "variant": chance.choice(variants), "delta": delta})
    for _ in range(size // 20):
        declared = races_imports.documents(chance, products, ON_THE_SHELF)
        people.append({"does": "declare", "name": _name(chance), "documents": declared})
    return people


def _name(chance: random.Random) -> str:
    return f"{chance.getrandbits(64):016x}"


def sweep_until_released(shop: Shop, variants: Iterable[str]) -> None:
    """Ask for the sweep of expired reservations until nothing is reserved; what is then is for the judge."""
    deadline = time.monotonic() + PROMISE_SECONDS + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(level.reserved for level in shop.stock(variants).values()):
        shop.system.ask("POST", "/dev/schedules/inventory-sweep-reservations/run")
        time.sleep(1)


def let_go(port: int, people: Sequence[Person], *, key: str, token: str) -> list[Met]:
    """Start the processes, let all people go once the last process is ready, and return what each met."""
    groups = [list(group) for group in batched(people, IN_A_PROCESS, strict=False)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", str(_BUYERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in groups
    ]
    try:
        for process, group in zip(processes, groups, strict=True):
            _tell(process, json.dumps({"port": port, "key": key, "token": token, "people": group, "at_once": AT_ONCE}))
        for process in processes:
            assert _hear(process) == "ready"
        for process in processes:
            _tell(process, "go")
        return [met for process in processes for met in json.loads(_hear(process))]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _whole(number: int, variant: str, units: int) -> dict[str, Any]:
    name = f"rest-{variant}"
    return {"does": "order", "number": number, "name": name, "basket": {variant: units}}


def _tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")
