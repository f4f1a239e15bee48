"""The rules about domain events: a schema, an example that fits, and nothing about a person."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError

from shared.core.outbox import DomainEvent

# Words of a field's name that promise personal data.
_PERSONAL = {
    "address",
    "birthday",
    "city",
    "email",
    "ip",
    "landmark",
    "mobile",
    "phone",
    "postcode",
    "recipient",
    "street",
}
_NAMES_OF_PEOPLE = {"contact_name", "customer_name", "first_name", "full_name", "last_name", "recipient_name"}


def ill_described(kinds: Iterable[type[DomainEvent]], folder: Path) -> list[str]:
    """Return the events without a schema in `folder`, or with an example that does not fit it."""
    offences = []
    for kind in kinds:
        path = folder / f"{kind.type}.json"
        if not path.exists():
            offences.append(f"{kind.type}: events/{path.name} is missing. Run `make contracts`.")
            continue
        committed = json.loads(path.read_text("utf-8"))
        offences += [f"{kind.type}: {complaint}" for complaint in _complaints(kind, committed)]
    return offences


def _complaints(kind: type[DomainEvent], committed: dict[str, Any]) -> Iterator[str]:
    if not (kind.__doc__ or "").strip():
        yield "its class has no docstring, and subscribers read it."
    try:
        Draft202012Validator.check_schema(committed["schema"])
        Draft202012Validator(committed["schema"]).validate(committed["example"])
        Draft202012Validator(committed["schema"]).validate(kind.example().model_dump(mode="json"))
    except SchemaError as error:
        yield f"its schema is none: {error.message}."
    except ValidationError as error:
        yield f"its example does not fit its schema: {error.message}. Mend `example()`, then run `make contracts`."


def about_people(kinds: Iterable[type[DomainEvent]]) -> list[str]:
    """Return the fields of events that promise personal data."""
    return [
        f"{kind.type}: the field {name!r} is personal data. Events carry ids and amounts; who needs a name reads it."
        for kind in kinds
        for name in sorted(set(_property_names(kind.model_json_schema(mode="serialization"))))
        if name in _NAMES_OF_PEOPLE or _PERSONAL & set(name.split("_"))
    ]


def _property_names(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from _property_names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _property_names(inner)
