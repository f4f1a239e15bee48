"""Imports amid a race: files that say again what the very products are that people buy, and how many of them there are.

What a file or a document declares is absolute, so only the history knows by how much it changed what was there. All
else must still come to what people's answers say.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from tests.imports import files
from tests.imports.uploads import send

if TYPE_CHECKING:
    from tests.proof.races import Shop

type Product = dict[str, Any]  # as its merchant reads it

PRICE = "500.00"
_OVER = {"succeeded", "failed", "canceled"}
_PATIENCE = 120.0  # seconds for one import, beside five hundred people
_PAUSE = 1.0  # seconds from one import to the next: there is always one about, and the race stays the people's
_DECLARING = "import,correction"  # kinds of what declarations change


def documents(chance: random.Random, products: Sequence[Product], most: int) -> list[Product]:
    """Declare some of the products as they are, in any order, with other counts of some of their variants."""
    return [
        {
            "slug": product["slug"],
            "variants": [
                {"sku": variant["sku"], "option_values": variant["option_values"]}
                | ({"on_hand": chance.randint(0, most)} if chance.random() < 0.5 else {})
                for variant in product["variants"]
            ],
        }
        for product in chance.sample(list(products), chance.randint(1, len(products)))
    ]


def file_of(chance: random.Random, products: Sequence[Product], most: int | None) -> bytes:
    """Write a file of all products in any order, with a count of each variant; none where `most` is None."""
    rows = []
    for product in chance.sample(list(products), len(products)):
        for place, variant in enumerate(product["variants"]):
            cells = {
                "Option1 Value": variant["option_values"][0],
                "Variant SKU": variant["sku"],
                "Variant Price": PRICE,
                "Variant Inventory Tracker": "shopify",
                "Variant Inventory Policy": "deny",
                "Variant Inventory Qty": "" if most is None else str(chance.randint(0, most)),
            }
            first = {"Title": product["title"], "Published": "TRUE", "Status": "active", "Option1 Name": "Size"}
            # Another text each time: there is something to write, whatever becomes of the stock.
            first["Body (HTML)"] = f"<p>{chance.getrandbits(32)}</p>"
            rows.append(files.row(product["slug"], **(cells if place else first | cells)))
    return files.written(rows)


def keep_importing(shop: "Shop", products: Sequence[Product], most: int | None, over: threading.Event) -> list[Any]:
    """Import one file after the other, a second apart, until it is over, one at least; return the jobs."""
    chance = random.Random(shop.chance.getrandbits(64))
    jobs: list[Any] = []
    while not over.is_set() or not jobs:
        opened = shop.ask("POST", "/imports", {"format": "shopify_csv"})
        sent = send(opened["upload"]["url"], opened["upload"]["fields"], file_of(chance, products, most))
        assert sent < 300, sent
        job = shop.ask("POST", f"/imports/{opened['job']['id']}/start")
        deadline = time.monotonic() + _PATIENCE
        while job["status"] not in _OVER and time.monotonic() < deadline:
            time.sleep(0.1)
            job = shop.ask("GET", f"/jobs/{job['id']}")
        jobs.append(job)
        over.wait(_PAUSE)
    return jobs


def offences(shop: "Shop", jobs: Iterable[Any], allowed: set[str]) -> list[str]:
    """Return what of imports did not go as it must: each to its end, and nothing refused but for want of stock."""
    found = []
    for job in jobs:
        if job["status"] != "succeeded":
            found.append(f"An import has {job['status']}: {job['failure']}")
        told = shop.ask("GET", f"/jobs/{job['id']}/findings?limit=100")["data"]
        found += [f"An import said {one}" for one in told if one["code"] not in allowed]
    return found


def declared(shop: "Shop", variants: Iterable[str]) -> Counter[str]:
    """Return by how much declarations changed what is on hand of each variant, as the history has it."""
    deltas = Counter[str]()
    for variant in variants:
        query = f"variant_id={variant}&kind[in]={_DECLARING}&limit=100"
        page = shop.ask("GET", f"/inventory/adjustments?{query}")
        deltas[variant] += sum(one["delta"] for one in page["data"])
        while page["page"]["has_more"]:
            page = shop.ask("GET", f"/inventory/adjustments?{query}&cursor={page['page']['next_cursor']}")
            deltas[variant] += sum(one["delta"] for one in page["data"])
    return deltas
