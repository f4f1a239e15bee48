"""The tags (surrogate keys) under which the edge keeps what a storefront shows, and which of them a change takes back.

Every answer of a store carries `store:{id}` by itself. Ids are unique over all stores, so no tag of one store's answer
takes another's along; only `price:list` means all stores, for an operator after a change of how prices are shown:

    aws cloudfront create-invalidation --distribution-id ID --paths '#price:list'

A list carries the tags of the products that it shows; they go with a change of what a card says. What may bring a
product into a list in which it does not stand yet is told by coarser ones: `list:{store}` is on every list and goes
when a product is new, gone or listed elsewhere, `price:list:{store}` is on those alone that choose, sort or count by
price or stock, and goes with these; on searches, too, which rank by stock, and it goes with what products are found by.
Prices and stock change all day, so most lists must not hang on them.

No tag tells of what was sold: every order changes it. So the order of bestsellers, and a search's among equals, may be
as old as the answer's own life, what it shows may not.
"""

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import unquote
from uuid import UUID

from shared.core import caching, ids

EVERY_LIST = "price:list"

_BY_PRICE = re.compile("price|stock|include", re.IGNORECASE)  # wherever: a word too much costs a hit, no more
_ID = re.compile(rb'"id":\s?"((?:cat|prod)_[0-9a-z]{26})"')


def store(store_id: UUID) -> str:
    """Return the tag of everything that a store shows."""
    return caching.store_tag(store_id)


@lru_cache(maxsize=1024)
def lists(store_id: UUID) -> str:
    """Return the tag of a store's lists: whatever shows products by a choice."""
    return f"list:{ids.encode('store', store_id)}"


def priced_lists(store_id: UUID) -> str:
    """Return the tag of those of a store's lists that choose, sort or count by price or stock, and of its searches."""
    return f"{EVERY_LIST}:{ids.encode('store', store_id)}"


def product(product_id: UUID) -> str:
    """Return the tag of a product, wherever it is shown."""
    return f"product:{ids.encode('prod', product_id)}"


def category(category_id: UUID) -> str:
    """Return the tag of a category, wherever it is shown."""
    return f"category:{ids.encode('cat', category_id)}"


def of_list(store_id: UUID, query: str, body: bytes) -> list[str]:
    """Return the tags of an answer that shows products by a choice, the coarse ones first."""
    if _BY_PRICE.search(unquote(query)):
        return of_search(store_id, query, body)
    return [EVERY_LIST, lists(store_id), *_shown(body)]


def of_search(store_id: UUID, _query: str, body: bytes) -> list[str]:
    """Return the tags of an answer that finds products, or chooses them by price or stock."""
    return [EVERY_LIST, lists(store_id), priced_lists(store_id), *_shown(body)]


def of_product(_store_id: UUID, _query: str, body: bytes) -> list[str]:
    """Return the tags of a product's own page: its own, and those of what it names."""
    return [EVERY_LIST, *_shown(body)]


def of_groups(store_id: UUID, _query: str, body: bytes) -> list[str]:
    """Return the tags of what products are grouped by: it changes with each group, and when one is added."""
    return [_groups(store_id), *_shown(body)]


def changed_products(store_id: UUID, products: Collection[UUID], *, elsewhere: bool, repriced: bool) -> list[str]:
    """Return what a change of these products takes back, in lists and on pages.

    `elsewhere`: some are new or gone, or stand in other lists or places than before. `repriced`: some have another
    price, have come into or out of stock, or are found by other words, so that what looks at this chooses, sorts or
    counts otherwise.
    """
    coarse = [lists(store_id)] if elsewhere else [priced_lists(store_id)] if repriced else []
    return [*coarse, *map(product, products)]


def changed_category(store_id: UUID, category_id: UUID) -> list[str]:
    """Return what a change of a category takes back: itself, the tree, and the lists that count by categories."""
    return [*changed_groups(store_id), category(category_id)]


def changed_groups(store_id: UUID) -> list[str]:
    """Return what a change of a brand, a label or an attribute takes back; its products follow by themselves."""
    return [_groups(store_id), lists(store_id)]


def _groups(store_id: UUID) -> str:
    return f"groups:{ids.encode('store', store_id)}"


def _shown(body: bytes) -> list[str]:
    """Read the categories and products that an answer shows from its JSON, in which we alone write `"id":"prod_...`.

    Within a text of the merchant's every quote has a backslash before it.
    """
    found = dict.fromkeys(_ID.findall(body))
    categories = [f"category:{one.decode()}" for one in found if one.startswith(b"cat_")]
    return [*categories, *(f"product:{one.decode()}" for one in found if one.startswith(b"prod_"))]
