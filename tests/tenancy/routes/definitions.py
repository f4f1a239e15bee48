"""Calls of attributes and of merchants' own fields."""

from typing import Any

from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import World


def wanted(world: World, **facts: Any) -> dict[str, Any]:
    """Return the request for an attribute."""
    name = world.new_name()
    return {"code": name.replace("-", "_"), "name": f"Size {name}", "kind": "choices"} | facts


def new(world: World) -> tuple[str, str]:
    """Define an attribute with a choice; return the ids of both."""
    choices = [{"name": f"Choice {world.new_name()}"}]
    made = world.made(world.store.merchant.post("/attributes", json=wanted(world, choices=choices)))
    return made["id"], made["choices"][0]["id"]


def field(world: World) -> str:
    """Define a field; return its id."""
    made = world.made(world.store.merchant.post("/custom-fields", json=_field(world)))
    field_id: str = made["id"]
    return field_id


def _field(world: World) -> dict[str, Any]:
    name = world.new_name()
    return {"entity": "product", "key": name.replace("-", "_"), "name": f"Field {name}", "kind": "text"}


simple("catalog-list-attributes", lambda _: Call())
simple("catalog-create-attribute", lambda world: Call(json=wanted(world)))
simple("catalog-get-attribute", lambda world: Call(path={"attribute_id": new(world)[0]}))
simple("catalog-delete-attribute", lambda world: Call(path={"attribute_id": new(world)[0]}))
simple(
    "catalog-edit-attribute",
    lambda world: Call(path={"attribute_id": new(world)[0]}, json={"name": f"Size {world.new_name()}"}),
)
simple(
    "catalog-add-attribute-choice",
    lambda world: Call(path={"attribute_id": new(world)[0]}, json={"name": f"Choice {world.new_name()}"}),
)


@calls("catalog-edit-attribute-choice")
def by_a_new_name(world: World) -> Call:
    attribute_id, choice_id = new(world)
    renamed = {"name": f"Choice {world.new_name()}"}
    return Call(path={"attribute_id": attribute_id, "choice_id": choice_id}, json=renamed)


@calls("catalog-remove-attribute-choice")
def that_nobody_uses(world: World) -> Call:
    attribute_id, choice_id = new(world)
    return Call(path={"attribute_id": attribute_id, "choice_id": choice_id})


simple("catalog-list-custom-fields", lambda _: Call())
simple("catalog-create-custom-field", lambda world: Call(json=_field(world)))
simple("catalog-get-custom-field", lambda world: Call(path={"custom_field_id": field(world)}))
simple("catalog-delete-custom-field", lambda world: Call(path={"custom_field_id": field(world)}))
simple(
    "catalog-edit-custom-field",
    lambda world: Call(path={"custom_field_id": field(world)}, json={"required": False, "name": "Warranty"}),
)
