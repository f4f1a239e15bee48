"""Calls of the catalog."""

from typing import Any

from tests.tenancy.calls import Call
from tests.tenancy.routes.groups import new, picture
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import World

simple("catalog-list-products", lambda _: Call())
simple("catalog-get-product", lambda world: Call(path={"product_id": world.product["id"]}))
simple(
    "catalog-edit-product",
    lambda world: Call(path={"product_id": world.product["id"]}, json={"description": f"New {world.new_name()}"}),
)
simple("catalog-delete-product", lambda world: Call(path={"product_id": world.new_product()["id"]}))
simple("catalog-list-variants", lambda world: Call(path={"product_id": world.product["id"]}))
simple("catalog-put-product-images", lambda world: Call(path={"product_id": shown(world)[0]}, json=pictures(world)))
simple("catalog-get-variant", lambda world: Call(path={"variant_id": world.variant_id}))
simple("catalog-delete-variant", lambda world: Call(path={"variant_id": world.new_product()["variants"][0]["id"]}))


def pictures(world: World) -> dict[str, Any]:
    """Return the request for one picture of a product."""
    return {"images": [{"media_id": picture(world), "alt": f"Front {world.new_name()}"}]}


def shown(world: World) -> tuple[str, str, str]:
    """Make a product with a picture; return its id, that of its first variant, and the picture's."""
    product = world.new_product()
    wanted = pictures(world)
    world.made(world.store.merchant.put(f"/products/{product['id']}/images", json=wanted))
    return product["id"], product["variants"][0]["id"], wanted["images"][0]["media_id"]


@calls("catalog-create-product")
def with_a_picture_and_groups(world: World) -> Call:
    media_id, brand, category = picture(world), new(world, "/brands"), new(world, "/categories")
    named = {"brand": brand["id"], "categories": [category["id"]], "labels": [new(world, "/labels")["id"]]}
    variant = {**world.new_variant(), "image": {"media_id": media_id}}
    return Call(json={"title": "Mug", **named, "images": [{"media_id": media_id}], "variants": [variant]})


@calls("catalog-add-variant")
def that_is_pictured(world: World) -> Call:
    product_id, _, media_id = shown(world)
    return Call(path={"product_id": product_id}, json={**world.new_variant(), "image": {"media_id": media_id}})


@calls("catalog-edit-variant")
def by_its_picture(world: World) -> Call:
    _, variant_id, media_id = shown(world)
    return Call(path={"variant_id": variant_id}, json={"image": {"media_id": media_id}})


def whole(world: World) -> dict[str, Any]:
    """Return a document that names a product, its variant and its picture."""
    product_id, variant_id, media_id = shown(world)
    variant = {"id": variant_id, "price": 1234, "image": {"media_id": media_id}}
    return {"id": product_id, "images": [{"media_id": media_id}], "variants": [variant]}


@calls("catalog-declare-product")
def by_its_id(world: World) -> Call:
    return Call(json=whole(world))


@calls("catalog-declare-products")
def each_by_its_id(world: World) -> Call:
    return Call(json={"products": [whole(world)]}, narrows=True)  # 200 in any case; a stranger's changes nothing


@calls("catalog-declare-products")
def some_that_shall_go(world: World) -> Call:
    return Call(json={"delete": [world.new_product()["id"]]}, narrows=True)


@calls("catalog-list-products")
def by_brand(world: World) -> Call:
    return Call(query={"brand_id": new(world, "/brands")["id"]}, narrows=True)


@calls("catalog-list-products")
def by_category(world: World) -> Call:
    return Call(query={"category_id": new(world, "/categories")["id"]}, narrows=True)


@calls("catalog-list-products")
def by_label(world: World) -> Call:
    return Call(query={"label_id": new(world, "/labels")["id"]}, narrows=True)


@calls("catalog-list-products")
def from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": world.cursor("/products")}, narrows=True)


@calls("catalog-list-products")
def by_slug(world: World) -> Call:
    return Call(query={"slug": world.slug}, narrows=True)


@calls("catalog-restore-product")
def that_was_deleted(world: World) -> Call:
    product_id = world.new_product()["id"]
    world.made(world.store.merchant.delete(f"/products/{product_id}"))
    return Call(path={"product_id": product_id})


@calls("catalog-restore-variant")
def of_a_product_that_stayed(world: World) -> Call:
    variant_id = world.new_product()["variants"][0]["id"]
    world.made(world.store.merchant.delete(f"/variants/{variant_id}"))
    return Call(path={"variant_id": variant_id})
