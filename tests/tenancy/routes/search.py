"""Calls of what shoppers browse and search."""

from shared.core import ids
from shared.search import misses
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

simple("search-rebuild-storefront", lambda _: Call())
simple("search-rebuild-storefront-of", lambda world: Call(path={"store_id": ids.encode("store", world.store.id)}))
simple("search-browse-categories", lambda _: Call())
simple("search-browse-brands", lambda _: Call())
simple("search-browse-labels", lambda _: Call())


def _shown(world: World, kind: str) -> tuple[str, Ref]:
    """Put a product of a new brand, category or label on sale, and let shoppers see it; return its id and slug."""
    name = world.new_name()
    made = world.made(world.store.merchant.post(f"/{kind}", json={"name": name}))
    product = world.new_product()
    fields = {"brands": {"brand": made["slug"]}}.get(kind, {kind: [made["slug"]]})
    world.made(world.store.merchant.patch(f"/products/{product['id']}", json=fields))
    world.store.show()
    return made["id"], Ref(made["slug"])


@calls("search-browse-products")
def all_of_them(world: World) -> Call:
    world.store.show()
    return Call(query={"include": "facets,total"})


@calls("search-browse-products")
def goods_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/storefront/products")}, narrows=True)


@calls("search-browse-products")
def of_a_category_by_id(world: World) -> Call:
    return Call(query={"category": _shown(world, "categories")[0]}, narrows=True)


@calls("search-browse-products")
def of_a_category_by_slug(world: World) -> Call:
    return Call(query={"category": _shown(world, "categories")[1]}, narrows=True)


@calls("search-browse-products")
def of_a_brand_by_id(world: World) -> Call:
    return Call(query={"brand": _shown(world, "brands")[0]}, narrows=True)


@calls("search-browse-products")
def with_a_label_by_slug(world: World) -> Call:
    return Call(query={"label": _shown(world, "labels")[1], "include": "facets"}, narrows=True)


@calls("search-view-product")
def that_is_on_sale(world: World) -> Call:
    slug = world.slug
    world.store.show()
    return Call(path={"slug": slug})


@calls("search-view-product")
def under_its_former_name(world: World) -> Call:
    product = world.new_product()
    world.made(world.store.merchant.patch(f"/products/{product['id']}", json={"slug": f"new-{product['slug']}"}))
    world.store.show()
    return Call(path={"slug": Ref(product["slug"])})


@calls("search-view-category")
def of_the_tree(world: World) -> Call:
    return Call(path={"slug": _shown(world, "categories")[1]})


@calls("search-search-products")
def by_words(world: World) -> Call:
    world.new_product()
    world.store.show()
    return Call(query={"q": Ref(world.word)}, narrows=True)


@calls("search-search-products")
def from_a_cursor_on(world: World) -> Call:
    world.new_product()
    world.new_product()
    world.store.show()
    found = world.made(world.store.shopper.get("/storefront/search", params={"q": world.word, "limit": "1"}))
    return Call(query={"q": world.word, "limit": "1", "cursor": Ref(found["page"]["next_cursor"])}, narrows=True)


@calls("search-search-products")
def among_a_brands(world: World) -> Call:
    brand, _ = _shown(world, "brands")
    return Call(query={"q": world.word, "brand": brand}, narrows=True)


@calls("search-suggest")
def by_beginnings(world: World) -> Call:
    _shown(world, "brands")
    _shown(world, "categories")
    return Call(query={"q": Ref(world.word)}, narrows=True)


@calls("search-list-misses")
def in_vain(world: World) -> Call:
    with world.store.session() as session:
        misses.count(session, world.word)
    return Call()
