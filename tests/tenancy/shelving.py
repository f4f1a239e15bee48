"""A store that groups and describes its products in every way there is."""

from tests.tenancy.routes import definitions, groups
from tests.tenancy.world import World


def shelve(world: World) -> None:
    """Make a product with a brand, a category, a label, an attribute's value, a value of its own and a former slug."""
    kitchen = groups.new(world, "/categories")
    cups = groups.new(world, "/categories", parent_id=kitchen["id"])
    label, brand = groups.new(world, "/labels"), groups.new(world, "/brands", media_id=groups.picture(world))
    choice = {"name": f"Choice {world.new_name()}"}
    wanted = definitions.wanted(world, choices=[choice])
    attribute = world.made(world.store.merchant.post("/attributes", json=wanted))
    field_id = definitions.field(world)
    key = world.made(world.store.merchant.get(f"/custom-fields/{field_id}"))["key"]
    name = world.new_name()
    described = {
        "title": f"Mug {name}",
        "slug": f"former-{name}",
        "brand": brand["slug"],
        "categories": [cups["slug"]],
        "labels": [label["slug"]],
        "attributes": {attribute["code"]: [attribute["choices"][0]["slug"]]},
        "custom_fields": {key: world.word},
        "images": [{"media_id": groups.picture(world), "alt": name}],
        "variants": [world.new_variant()],
    }
    product = world.made(world.store.merchant.post("/products", json=described))
    world.made(world.store.merchant.patch(f"/products/{product['id']}", json={"slug": name}))
