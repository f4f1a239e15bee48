"""A day of a shop behind the edge: visitors who browse, a merchant who edits, stock that sells; by a clock of its own.

Everything but CloudFront and SQS is real: the handlers, the database, the events, the refreshing of summaries and the
claims of what the edge has to forget. Whoever visits comes by a Zipf-like choice of product or category, in three
languages, to one of four locations, most in the evening. Same seed, same day.
"""

import heapq
import json
import random
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, count
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import pytest

from infra.kept import kept_paths
from infra.local import events, routing
from shared.core import clock, queues, topology
from shared.core.settings import use_settings
from shared.core.topology import Topology
from shared.search import invalidation, summaries
from tests.checkout.purchases import ADDRESS, CONTACT
from tests.edge import Edge, Kept, Seen
from tests.factories import StoreUnderTest
from tests.search.edge_truth import Truth, Untrue
from tests.vocabularies import GOODS

MIDNIGHT = datetime(2027, 3, 1, tzinfo=UTC)
SECONDS = 24 * 60 * 60
QUEUES = {"outbox", "product-summaries", "summaries-of-groups", "product-summaries-due", "edge-outdating"}
QUEUES |= {invalidation.QUEUE}
ORIGIN = "https://rupali.example"  # of the shop's pages; the store has to allow it
HITS = ("hit", "regional", "stale")  # what kept nobody waiting for the origin
HANDED_OVER = 0.3  # seconds that a queue takes from the sender to the consumer
FORGETS = 5.0  # seconds that CloudFront takes from the request until no location answers by what it kept
SAMPLED = 15  # every so many hits, the kept answer is compared with what the origin says now
INSPECTED = 3 * 60 * 60  # every so many seconds, all that the edge would answer by is
KNOWN_BY = 15.0  # seconds after which the edge has forgotten what is not so any more, a group's products included

LOCATIONS = {"dhaka": 62, "chattogram": 20, "kolkata": 11, "london": 7}
LANGUAGES = {"bn-BD,bn;q=0.9,en;q=0.8": 58, "en-US,en;q=0.9": 34, "bn;q=0.8,en-GB;q=0.6": 5, "de-DE,de;q=0.9": 3}
BY_HOUR = (2, 1, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 10, 12, 12, 9, 5)

type Visit = Generator[tuple[float, str], Seen]  # yields seconds of thought and what is asked for then


@dataclass(frozen=True)
class Rates:
    """What happens in the day."""

    visits: int
    sales: int  # orders of one piece
    prices: int
    texts: int
    new: int
    renamed: int  # categories


@dataclass
class Figures:
    """What was seen of the day."""

    how: Counter[str] = field(default_factory=Counter)
    by_kind: dict[str, Counter[str]] = field(default_factory=dict)
    failed: Counter[int] = field(default_factory=Counter)
    sent: int = 0  # bytes of bodies that viewers got
    compared: int = 0  # hits
    inspected: int = 0  # answers that the edge kept
    stale: list[Untrue] = field(default_factory=list)  # of the hits that were compared
    reordered: int = 0  # of them, too: what was sold meanwhile changes their order, which no tag tells of
    lasting: list[Untrue] = field(default_factory=list)  # of both: what was not so any more, and was not forgotten
    told: int = 0  # tags that CloudFront was told
    requests_to_tell: int = 0
    forgotten: int = 0  # answers that went by them

    @property
    def asked(self) -> int:
        """How many requests viewers made."""
        return self.how.total()

    def hits(self, *kinds: str) -> float:
        """Return the share of requests that the edge answered by what it kept: of some kinds, or of all."""
        counted = sum((self.by_kind[kind] for kind in kinds), Counter()) if kinds else self.how
        return sum(counted[how] for how in HITS) / max(1, counted.total())

    def note(self, path: str, seen: Seen) -> None:
        """Count a request."""
        _, _, kind, *more = path.partition("?")[0].split("/")
        kind += "/suggestions" if more == ["suggestions"] else "/one" if more else ""
        self.how[seen.how] += 1
        self.by_kind.setdefault(kind, Counter())[seen.how] += 1
        self.sent += len(seen.answer.body)
        if seen.answer.status_code != 200:
            self.failed[seen.answer.status_code] += 1


class Day:
    """One day of one store; `run` lives through it."""

    def __init__(self, store: StoreUnderTest, edge: Edge, topology: Topology, *, rates: Rates, seed: int) -> None:
        """Prepare the day. The store has products, and their summaries are up to date."""
        self.store, self.edge, self.rates = store, edge, rates
        self.figures = Figures()
        self._dice = random.Random(seed)
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()
        self._truth = Truth(store, edge)
        self._handlers = {one.queue: one.handler for one in topology.consumers if one.queue in QUEUES}
        self._products = _everything(store, "/products", {"status": "active"})
        self._categories = _categories(store)
        self._dice.shuffle(self._products)
        self._now = 0.0

    def run(self) -> Figures:
        """Live through the day. What functions send to queues must come to `send` meanwhile."""
        with clock.frozen(MIDNIGHT) as time:
            for _ in range(self.rates.visits):
                self._begin(self._moment(), self._visit())
            writes: list[tuple[int, Callable[[], None]]] = [
                (self.rates.sales, self._sell),
                (self.rates.prices, self._price),
                (self.rates.texts, self._retitle),
                (self.rates.new, self._add),
                (self.rates.renamed, self._rename),
            ]
            for times, write in writes:
                for _ in range(times):
                    self._at(self._moment(), write)
            for minute in range(24 * 60):
                self._at(minute * 60.0, self._sweep)
            for moment in range(INSPECTED, SECONDS, INSPECTED):
                self._at(moment, self._inspect)
            while self._due:
                at, _, act = heapq.heappop(self._due)
                self._now = at
                time.move_to(MIDNIGHT + timedelta(seconds=at))
                act()
        return self.figures

    def send(self, queue: str, bodies: Sequence[Mapping[str, Any]], *, delay: int = 0) -> None:
        """Take what a function sends to SQS, and hand it over a moment later."""
        for body in bodies if queue in self._handlers else ():
            text = json.dumps({"correlation_id": "day", **body})
            self._at(self._now + delay + HANDED_OVER, partial(self._deliver, queue, text))

    def _at(self, at: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at, next(self._number), act))

    def _moment(self) -> float:
        hour = self._dice.choices(range(24), BY_HOUR)[0]
        return hour * 3600 + self._dice.random() * 3600

    # The visitors.

    def _visit(self) -> Visit:
        yield 0, "/storefront/store"
        yield 0.1, "/storefront/categories"
        path = self._first_page()
        if self._dice.random() < 0.1:
            path = yield from self._search()
        for _ in range(1 + min(int(self._dice.expovariate(1 / 5)), 30)):
            seen = yield self._dice.expovariate(1 / 25), path
            path = self._next_page(path, seen)

    def _search(self) -> Generator[tuple[float, str], Seen, str]:
        words = _zipf(self._dice, GOODS)[self._dice.random() < 0.4].lower()
        for typed in range(2, min(len(words), 6), 2):
            yield 1, f"/storefront/search/suggestions?{urlencode({'q': words[:typed]})}"
        return f"/storefront/search?{urlencode({'q': words})}"

    def _first_page(self) -> str:
        kind = self._dice.random()
        if kind < 0.3:
            return "/storefront/products"
        if kind < 0.35:
            return "/storefront/products?sort=bestselling"
        if kind < 0.65:
            return self._category()
        return self._product()

    def _next_page(self, path: str, seen: Seen) -> str:
        if seen.answer.status_code != 200 or path.count("/") > 2:
            return self._category() if self._dice.random() < 0.45 else self._product()
        listed = seen.answer.json()
        cards, cursor = listed["data"], listed["page"]["next_cursor"]
        place = min(int(self._dice.expovariate(1 / 5)), len(cards) - 1)
        ways = {
            f"/storefront/products/{cards[place]['slug']}" if cards else self._product(): 50,
            _with(path, cursor=cursor) if cursor else self._category(): 15,
            self._category(): 15,
            self._product(): 10,
            _with(path, in_stock="true"): 5,
            _with("/storefront/products" if "search" in path else path, sort="price"): 5,
        }
        return self._dice.choices(list(ways), list(ways.values()))[0]

    def _category(self) -> str:
        return f"/storefront/products?category={_zipf(self._dice, self._categories)}"

    def _product(self) -> str:
        return f"/storefront/products/{_zipf(self._dice, self._products)['slug']}"

    def _begin(self, at: float, visit: Visit) -> None:
        location = self._dice.choices(list(LOCATIONS), list(LOCATIONS.values()))[0]
        language = self._dice.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        headers = {
            "X-Publishable-Key": self.store.publishable_key,
            "Accept-Language": language,
            "Origin": ORIGIN,
        }
        wait, path = next(visit)
        self._at(at + wait, lambda: self._look(visit, path, location, headers))

    def _look(self, visit: Visit, path: str, location: str, headers: Mapping[str, str]) -> None:
        seen = self.edge.get(path, location=location, headers=headers)
        self.figures.note(path, seen)
        if seen.kept is not None and seen.how in HITS and self.figures.asked % SAMPLED == 0:
            self._compare(path, seen.kept)
        try:
            wait, following = visit.send(seen)
        except StopIteration:
            return
        self._at(self._now + wait, lambda: self._look(visit, following, location, headers))

    def _compare(self, path: str, kept: Kept) -> None:
        self.figures.compared += 1
        untrue = self._truth.look(path, kept)
        if untrue is not None and untrue.only_reordered:
            self.figures.reordered += 1
        elif untrue is not None:
            self.figures.stale.append(untrue)
            self._at(self._now + KNOWN_BY, partial(self._look_again, path, kept))

    def _inspect(self) -> None:
        for path, kept in self._truth.of_all():
            self.figures.inspected += 1
            if self._truth.look(path, kept):
                self._at(self._now + KNOWN_BY, partial(self._look_again, path, kept))

    def _look_again(self, path: str, kept: Kept) -> None:
        untrue = self._truth.look(path, kept) if self._truth.still_keeps(kept) else None
        if untrue is not None and not untrue.only_reordered:
            self.figures.lasting.append(untrue)

    # The merchant, and those who buy.

    def _sell(self) -> None:
        variant = self._dice.choice(_zipf(self._dice, self._products)["variants"])["id"]
        order = {"lines": [{"variant_id": variant, "quantity": 1}], "contact": CONTACT, "shipping_address": ADDRESS}
        answer = self.store.merchant.post("/orders", json=order, key=True)
        assert answer.status_code in (201, 409), answer.text
        left = self.store.merchant.get(f"/inventory/{variant}").json()["available"]
        if left <= 0:
            more = {"delta": 5, "kind": "manual", "reason": "Restocked"}
            self._at(self._now + 3600, lambda: self._write("POST", f"/inventory/{variant}/adjustments", more))

    def _price(self) -> None:
        variant = self._dice.choice(_zipf(self._dice, self._products)["variants"])["id"]
        self._write("PATCH", f"/variants/{variant}", {"price": 9900 + self._dice.randrange(500) * 100})

    def _retitle(self) -> None:
        product = _zipf(self._dice, self._products)["id"]
        self._write("PATCH", f"/products/{product}", {"description": f"<p>Now new, since {self._now:.0f}</p>"})

    def _add(self) -> None:
        title = f"New {self._dice.randrange(10**9)}"
        variants = [{"sku": "", "price": 10_000}]
        made = self._write("POST", "/products", {"title": title, "status": "active", "variants": variants})
        self._products.insert(self._dice.randrange(30), made)

    def _rename(self) -> None:
        found = self.store.merchant.get("/categories", params={"limit": 100}).json()["data"]
        self._write("PATCH", f"/categories/{self._dice.choice(found)['id']}", {"name": f"Renamed {self._now:.0f}"})

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.store.merchant.request(method, path, json=body, key=True)
        assert answer.status_code in (200, 201, 409), (method, path, answer.text)
        told: dict[str, Any] = answer.json()
        return told

    # What follows from it.

    def _deliver(self, queue: str, text: str) -> None:
        if queue == invalidation.QUEUE:
            self._tell_the_edge(UUID(json.loads(text)["store_id"]))
            return
        answer = routing.handler(self._handlers[queue])(events.sqs_event(queue, [text]), events.context(queue))
        assert answer["batchItemFailures"] == [], queue

    def _tell_the_edge(self, store_id: UUID) -> None:
        assert store_id == self.store.id
        waiting = self._truth.waiting()
        with self.store.session() as session:
            claimed = invalidation.claim(session)
        if claimed is None:
            return
        with self.store.session() as session:
            invalidation.settle(session, claimed, taken=True)
        self.figures.told += len(claimed.tags)
        self.figures.requests_to_tell += 1
        self._truth.sent(waiting)
        self._at(self._now + FORGETS, lambda: self._forget(claimed.tags, waiting))

    def _forget(self, tags: Sequence[str], since: dict[str, datetime]) -> None:
        self.figures.forgotten += self.edge.forget(tags)
        self._truth.forgotten(since)

    def _sweep(self) -> None:
        with self.store.session() as session:
            left = invalidation.stores_left_behind(session, 1000)
        if self.store.id in left:
            self.send(invalidation.QUEUE, [{"store_id": str(self.store.id)}])


def live(store: StoreUnderTest, rates: Rates, *, seed: int) -> tuple[Figures, Edge]:
    """Live through a day of a store that has products; return what was seen of it, and the edge at its end."""
    declared = topology.load()
    after = UUID(int=0)
    while True:
        with store.session() as session:
            chunk = summaries.all_after(session, after, summaries.CHUNK)
            summaries.refresh(session, chunk)
        if not chunk:
            break
        after = chunk[-1]
    edge = Edge(kept_paths(declared))
    day = Day(store, edge, declared, rates=rates, seed=seed)
    told = {event: tuple(QUEUES & set(into)) for event, into in declared.subscriptions.items()}
    with pytest.MonkeyPatch.context() as sqs, use_settings(kick=True, subscriptions=told, edge_distribution="local"):
        sqs.setattr(queues, "send", day.send)
        return day.run(), edge


def _with(path: str, **more: str) -> str:
    """Return the path of the same list, asked for otherwise; from its first page, unless `more` says which."""
    bare, _, query = path.partition("?")
    asked = dict(parse_qsl(query))
    asked.pop("cursor", None)
    return f"{bare}?{urlencode(asked | more)}"


def _zipf[T](dice: random.Random, things: Sequence[T]) -> T:
    """Choose one; the n-th is chosen 1 / n as often as the first."""
    if len(things) not in _WEIGHTS:
        _WEIGHTS[len(things)] = list(accumulate(1 / (place + 1) for place in range(len(things))))
    return dice.choices(things, cum_weights=_WEIGHTS[len(things)])[0]


_WEIGHTS: dict[int, list[float]] = {}


def _everything(store: StoreUnderTest, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = store.merchant.get(path, params={"limit": 100, **params, **more}).json()
        found += page["data"]
        cursor = page["page"]["next_cursor"]
        if not cursor:
            return found


def _categories(store: StoreUnderTest) -> list[str]:
    """Return the slugs of the categories that have products, those with most first."""
    facets = store.shopper.get("/storefront/products?include=facets&limit=1").json()["facets"]
    [found] = [one["values"] for one in facets if one["parameter"] == "category"]
    return [one["value"] for one in sorted(found, key=lambda one: -one["count"])]
