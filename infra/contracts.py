"""What the code promises to others, as files: the topology, the OpenAPI document, who may call which route, and events.

`make contracts` writes them; `--check` compares, and fails for whoever changed the code and not the files.
"""

import json
import sys
from pathlib import Path
from typing import Any

from shared.core import openapi, roles_by_route, topology
from shared.core.outbox import DomainEvent

ROOT = Path(__file__).parent.parent
EVENTS = "events"
OPENAPI = "functions/docs/openapi.json"
ROLES = "functions/organizations/roles_by_route.md"
TOPOLOGY = "infra/topology.json"

_SAMPLES = "triggers"  # events/triggers/ holds AWS's trigger shapes, which are written by hand


def generate() -> dict[str, str]:
    """Return the text of every generated file by its path below the project's root."""
    files = {
        TOPOLOGY: topology.load().to_json(),
        OPENAPI: _json(openapi.document()),
        ROLES: roles_by_route.document(),
    }
    for kind in event_kinds():
        files[f"{EVENTS}/{kind.type}.json"] = _json(_event(kind))
    return files


def event_kinds() -> list[type[DomainEvent]]:
    """Return every kind of domain event, by type. Imports every function, and by them every domain."""
    list(topology.modules())
    return sorted(_subclasses(DomainEvent), key=lambda kind: kind.type)


def stale(root: Path = ROOT) -> list[str]:
    """Return the paths of generated files that differ from the code, are missing, or belong to nothing any more."""
    files = generate()
    present = {f"{EVENTS}/{path.name}" for path in (root / EVENTS).glob("*.json")}
    differing = [name for name, text in files.items() if _read(root / name) != text]
    return sorted({*differing, *(present - files.keys())})


def write(root: Path = ROOT) -> None:
    """Write every generated file, and remove those that belong to nothing any more."""
    files = generate()
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for path in (root / EVENTS).glob("*.json"):
        if f"{EVENTS}/{path.name}" not in files:
            path.unlink()


def _event(kind: type[DomainEvent]) -> dict[str, Any]:
    return {
        "type": kind.type,
        "entity": kind.entity,
        "description": " ".join((kind.__doc__ or "").split()),
        "schema": kind.model_json_schema(mode="serialization"),
        "example": kind.example().model_dump(mode="json"),
    }


def _subclasses(kind: type[Any]) -> set[type[DomainEvent]]:
    found: set[type[DomainEvent]] = set()
    for child in kind.__subclasses__():
        found |= {child, *_subclasses(child)}
    return {one for one in found if one.__module__.startswith("shared.") and "type" in vars(one)}


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` compare them."""
    if arguments != ["--check"]:
        write()
        return 0
    differing = stale()
    if differing:
        sys.stderr.write(
            f"Not what the code says: {', '.join(differing)}. Run `make contracts`, and look at the diff.\n"
        )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
