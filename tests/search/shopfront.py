"""Stores to browse: a small world of categories, brands, labels and attributes, made over the API, and what is in it.

`Goods` keeps in plain Python what a product is, so that a list can be compared with what a person would pick by hand.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local import events, routing
from shared.core import topology
from tests.client import Answer
from tests.factories import StoreUnderTest, a_store
from tests.tenancy.living import queues_kept

# The tree: each with its parent.
CATEGORIES = {"home": None, "kitchen": "home", "mugs": "kitchen", "bath": "home", "clothes": None, "shirts": "clothes"}
BRANDS = ("Aarong", "Deshi", "Rupali")
LABELS = ("New", "Sale", "Hot")
COLORS = ("Red", "Blue", "Green")
TITLES = ("Mug", "mug", "Shirt", "শাড়ি", "Àpple", "zebra", "Zinc 2", "মগ")


@dataclass
class Goods:
    """A product, as it was made."""

    id: str
    slug: str
    title: str
    prices: list[int]
    stock: int
    brand: str | None
    categories: set[str]
    labels: set[str]
    colors: set[str]
    waterproof: bool | None
    weight: float | None
    age: int  # its place in the order of making
    sold: int = 0


@dataclass
class Shop:
    """A store with its vocabulary and its goods."""

    store: StoreUnderTest
    goods: list[Goods] = field(default_factory=list)

    def add_some(self, number: int, seed: int = 1) -> None:
        """Put that many random products on sale."""
        chance = random.Random(seed)
        for place in range(number):
            self.add(place, chance)

    def add(self, number: int, chance: random.Random) -> Goods:
        """Put a random product on sale."""
        colors = set(chance.sample(COLORS, chance.choice((0, 1, 2))))
        waterproof, weight = chance.choice((None, True, False)), chance.choice((None, 0.5, 2, 10.25))
        made = Goods(
            id="",
            slug=f"thing-{number}",
            title=f"{chance.choice(TITLES)} {chance.choice('ab')}",
            prices=[chance.choice((90, 1000, 1999, 2000, 50_000)) for _ in range(chance.choice((1, 2, 3)))],
            stock=chance.choice((0, 3)),
            brand=chance.choice((None, *BRANDS)),
            categories=set(chance.sample(list(CATEGORIES), chance.choice((0, 1, 2)))),
            labels=set(chance.sample(LABELS, chance.choice((0, 1)))),
            colors=colors,
            waterproof=waterproof,
            weight=weight,
            age=number,
        )
        attributes: dict[str, Any] = {"color": [color.lower() for color in colors]} if colors else {}
        attributes |= {} if waterproof is None else {"waterproof": waterproof}
        attributes |= {} if weight is None else {"weight": weight}
        product = made_of(
            self.store.merchant.post(
                "/products",
                json={
                    "title": made.title,
                    "slug": made.slug,
                    "status": "active",
                    "brand": None if made.brand is None else made.brand.lower(),
                    "categories": sorted(made.categories),
                    "labels": [label.lower() for label in made.labels],
                    "attributes": attributes,
                    "options": ["Size"],
                    "variants": [
                        {
                            "sku": f"{made.slug}-{place}",
                            "price": price,
                            "stock": made.stock if place == 0 else 0,
                            "option_values": [f"Size {place}"],
                        }
                        for place, price in enumerate(made.prices)
                    ],
                },
            )
        )
        made.id = product["id"]
        for variant in product["variants"]:
            self.store.variants[variant["sku"]] = variant["id"]
        self.goods.append(made)
        return made


def a_shop() -> Shop:
    """Open a store with the vocabulary, and nothing on sale yet."""
    store = a_store()
    ids: dict[str, str] = {}
    for slug, parent in CATEGORIES.items():
        wanted = {"name": slug.title(), "slug": slug, "parent_id": None if parent is None else ids[parent]}
        ids[slug] = made_of(store.merchant.post("/categories", json=wanted))["id"]
    for name in BRANDS:
        made_of(store.merchant.post("/brands", json={"name": name}))
    for name in LABELS:
        made_of(store.merchant.post("/labels", json={"name": name}))
    attributes: Sequence[dict[str, Any]] = (
        {"code": "color", "name": "Color", "kind": "choices", "choices": [{"name": color} for color in COLORS]},
        {"code": "waterproof", "name": "Waterproof", "kind": "boolean"},
        {"code": "weight", "name": "Weight", "kind": "number", "unit": "kg"},
        {"code": "care", "name": "Care", "kind": "text"},
    )
    for one in attributes:
        made_of(store.merchant.post("/attributes", json=one))
    return Shop(store)


def made_of(answer: Answer) -> Any:
    """Return what a request made."""
    assert answer.status_code < 300, answer.text
    return answer.json()


def relay(store: StoreUnderTest) -> list[str]:
    """Deliver what a store's events tell to whom it concerns here, until nothing is left; return the queues."""
    ours = {one.queue: one for one in topology.load().consumers if one.name.startswith(("search-", "events-relay"))}
    taken: list[str] = []
    with queues_kept() as waiting:
        deliver("outbox", [{"store_id": str(store.id)}])
        while waiting:
            queue, _ = waiting[0]
            bodies = [body for name, body in waiting if name == queue][:10]
            for body in bodies:
                waiting.remove((queue, body))
            if queue in ours:
                assert deliver(queue, [dict(body) for body in bodies]) == [], queue
                taken.append(queue)
    return taken


def deliver(queue: str, bodies: Sequence[dict[str, Any]]) -> list[str]:
    """Give a batch to its queue's consumer, as SQS does; return the messages that failed."""
    consumer = next(one for one in topology.load().consumers if one.queue == queue)
    event = events.sqs_event(queue, [json.dumps(body) for body in bodies])
    context = events.context(consumer.name, memory=consumer.memory, timeout=consumer.timeout)
    failed = routing.handler(consumer.handler)(event, context)["batchItemFailures"]
    return [one["itemIdentifier"] for one in failed]


def titles(answer: Answer) -> list[str]:
    """Return the titles that a list shows."""
    assert answer.status_code == 200, answer.text
    return [one["title"] for one in answer.json()["data"]]


def slugs(answer: Answer) -> list[str]:
    """Return the slugs that a list shows."""
    assert answer.status_code == 200, answer.text
    return [one["slug"] for one in answer.json()["data"]]
