"""Calls of brands, categories and labels."""

from typing import Any

from shared.core import clock, ids
from shared.media.models import MediaAsset
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World


def new(world: World, path: str, **facts: Any) -> Any:
    """Make a brand, category or label."""
    return world.made(world.store.merchant.post(path, json={"name": f"Group {world.new_name()}", **facts}))


def picture(world: World) -> str:
    """Announce a picture."""
    media_id, now = ids.new_id(), clock.now()
    with world.store.session() as session:
        asset = MediaAsset(id=media_id, status="awaiting_upload", source="upload", due_at=now)
        asset.created_at = asset.updated_at = now
        session.add(asset)
    return ids.encode("media", media_id)


def cursor(world: World, path: str) -> Ref:
    """Return the cursor of the second page of a list that has one."""
    for _ in range(2):
        new(world, path)
    return Ref(world.made(world.store.merchant.get(path, params={"limit": 1}))["page"]["next_cursor"])


def deleted(world: World, path: str) -> str:
    """Make one and delete it; return its id."""
    gone: str = new(world, path)["id"]
    world.made(world.store.merchant.delete(f"{path}/{gone}"))
    return gone


simple("catalog-list-brands", lambda _: Call())
simple("catalog-get-brand", lambda world: Call(path={"brand_id": new(world, "/brands")["id"]}))
simple("catalog-delete-brand", lambda world: Call(path={"brand_id": new(world, "/brands")["id"]}))
simple("catalog-restore-brand", lambda world: Call(path={"brand_id": deleted(world, "/brands")}))
simple(
    "catalog-create-brand",
    lambda world: Call(json={"name": f"Brand {world.new_name()}", "media_id": picture(world)}),
)
simple(
    "catalog-edit-brand",
    lambda world: Call(path={"brand_id": new(world, "/brands")["id"]}, json={"media_id": picture(world)}),
)


@calls("catalog-list-brands")
def brands_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": cursor(world, "/brands")}, narrows=True)


@calls("catalog-list-brands")
def a_brand_by_its_slug(world: World) -> Call:
    return Call(query={"slug": Ref(new(world, "/brands")["slug"])}, narrows=True)


simple("catalog-list-categories", lambda _: Call())
simple("catalog-get-category-tree", lambda _: Call())
simple("catalog-get-category", lambda world: Call(path={"category_id": new(world, "/categories")["id"]}))
simple("catalog-delete-category", lambda world: Call(path={"category_id": new(world, "/categories")["id"]}))
simple("catalog-restore-category", lambda world: Call(path={"category_id": deleted(world, "/categories")}))


@calls("catalog-list-categories")
def categories_from_a_cursor_on(world: World) -> Call:
    return Call(query={"limit": "1", "cursor": cursor(world, "/categories")}, narrows=True)


@calls("catalog-list-categories")
def the_children_of_one(world: World) -> Call:
    parent = new(world, "/categories")
    new(world, "/categories", parent_id=parent["id"])
    return Call(query={"parent_id": parent["id"]}, narrows=True)


@calls("catalog-list-categories")
def the_children_of_some(world: World) -> Call:
    parent = new(world, "/categories")
    return Call(query={"parent_id[in]": parent["id"], "slug": Ref(parent["slug"])}, narrows=True)


@calls("catalog-create-category")
def below_another_and_with_a_picture(world: World) -> Call:
    name, parent = f"Category {world.new_name()}", new(world, "/categories")
    return Call(json={"name": name, "parent_id": parent["id"], "media_id": picture(world)})


@calls("catalog-edit-category")
def with_a_picture(world: World) -> Call:
    wanted = {"seo_title": f"Shelf {world.new_name()}", "media_id": picture(world)}
    return Call(path={"category_id": new(world, "/categories")["id"]}, json=wanted)


@calls("catalog-move-category")
def to_another(world: World) -> Call:
    to = new(world, "/categories")["id"]
    return Call(path={"category_id": new(world, "/categories")["id"]}, json={"parent_id": to})


def _members(world: World) -> dict[str, list[str]]:
    return {"add": [world.new_product()["id"]], "remove": [world.new_product()["id"]]}


simple(
    "catalog-change-products-of-category",
    lambda world: Call(path={"category_id": new(world, "/categories")["id"]}, json=_members(world)),
)
simple("catalog-list-labels", lambda _: Call())
simple("catalog-create-label", lambda world: Call(json={"name": f"Label {world.new_name()}"}))
simple("catalog-get-label", lambda world: Call(path={"label_id": new(world, "/labels")["id"]}))
simple("catalog-delete-label", lambda world: Call(path={"label_id": new(world, "/labels")["id"]}))
simple(
    "catalog-edit-label",
    lambda world: Call(path={"label_id": new(world, "/labels")["id"]}, json={"color": "#cc0000"}),
)
simple(
    "catalog-change-products-of-label",
    lambda world: Call(path={"label_id": new(world, "/labels")["id"]}, json=_members(world)),
)
