"""Which fields of a request name something of a store, by the API's own document: what the cases must cover."""

from collections.abc import Iterator
from typing import Any

from shared.core import openapi

_TYPE_ID = "_[0-7][0-9a-hjkmnp-tv-z]{25}$"
_PLATFORM = "^org_"  # organizations stand above stores
# What names something and has no form of its own: by the part of the request where it stands.
_COMMON = {"permission"}  # a code of the taxonomy, the same for every store
_NAMES = {"query": {"cursor", "token", "slug"}, "header": {"X-Cart-Token"}}


def naming_rows() -> dict[str, set[str]]:
    """Return the fields that name something, by route: `path order_id`, `json sku`, `headers X-Cart-Token`."""
    document = openapi.document()
    schemas = document["components"]["schemas"]
    return {
        operation["operationId"].replace("_", "-"): set(_of_operation(operation, schemas))
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def _of_operation(operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        name, where = parameter["name"], parameter["in"]
        if (where == "path" and name not in _COMMON) or name in _NAMES.get(where, ()) or _is_id(parameter["schema"]):
            yield f"{'headers' if where == 'header' else where} {name}"
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from (f"json {name}" for name in _of_schema(content["schema"], schemas))


def _of_schema(schema: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    properties = schema.get("properties", {})
    for name, inner in properties.items():
        # Beside an id an SKU is another way to name the variant; elsewhere it is the name of a new one.
        if _is_id(inner) or (name == "sku" and "variant_id" in properties):
            yield name
        yield from _of_schema(inner, schemas)
    for inner in (*schema.get("anyOf", ()), *schema.get("allOf", ()), schema.get("items")):
        if inner:
            yield from _of_schema(inner, schemas)


def _is_id(schema: dict[str, Any]) -> bool:
    choices = [schema, *schema.get("anyOf", ())]
    patterns = [str(choice.get("pattern", "")) for choice in choices]
    return any(pattern.endswith(_TYPE_ID) and not pattern.startswith(_PLATFORM) for pattern in patterns)
