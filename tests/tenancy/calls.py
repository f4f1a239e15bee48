"""A request as data: so that a probe can put another store's id where one of the caller's own stood."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from shared.core import ids
from tests.client import Answer, Client
from tests.tenancy.world import Ref

_TYPE_ID = re.compile(r"([a-z]+(?:_[a-z]+)*)_[0-7][0-9a-hjkmnp-tv-z]{25}")

_SHORT = 8  # characters; to leave such a text out would leave pieces of ids out

type Steps = tuple[str | int, ...]


@dataclass(frozen=True)
class Position:
    """A place in a request where something of a store is named."""

    part: str  # path, query, headers or json
    steps: Steps

    @property
    def name(self) -> str:
        """What the place is called: the last name on the way to it."""
        return next(str(step) for step in reversed(self.steps) if isinstance(step, str))

    def __str__(self) -> str:
        """Write it as people read it: `json lines/0/sku`."""
        return f"{self.part} {'/'.join(map(str, self.steps))}"


@dataclass(frozen=True)
class Call:
    """One request to a route: what fills its path, query, headers and body."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    narrows: bool = False  # what its query names chooses among the caller's own: another's leaves nothing, or all
    by: Client | None = None  # who alone may send it; else whoever may do everything for the store

    def positions(self) -> Iterator[Position]:
        """Return every place where an id or a `Ref` stands."""
        for part in ("path", "query", "headers", "json"):
            for steps, value in _leaves(getattr(self, part)):
                if isinstance(value, Ref) or (isinstance(value, str) and _TYPE_ID.fullmatch(value)):
                    yield Position(part, steps)

    def at(self, position: Position) -> Any:
        """Return what stands there."""
        value = getattr(self, position.part)
        for step in position.steps:
            value = value[step]
        return value

    def with_theirs(self, position: Position, theirs: "Call") -> "Call":
        """Return this call with what stands in another at that place."""
        changed = deepcopy(getattr(self, position.part))
        *way, last = position.steps
        inner = changed
        for step in way:
            inner = inner[step]
        inner[last] = theirs.at(position)
        return replace(self, **{position.part: changed})

    def with_further(self, fields: Mapping[str, Any]) -> "Call":
        """Return this call with further fields in its body, which is an object."""
        return replace(self, json={**self.json, **fields})

    def carried(self) -> list[str]:
        """Return the texts that the call carries and an answer may repeat, the longest first; no short ones."""
        parts = (self.path, self.query, self.headers, self.json)
        texts = {
            value for part in parts for _, value in _leaves(part) if isinstance(value, str) and len(value) > _SHORT
        }
        return sorted(texts, key=len, reverse=True)

    def send(self, client: Client, method: str, route: str, key: str | None) -> Answer:
        """Send it as `client`, under an Idempotency-Key if there is one."""
        path = route.removeprefix("/api/v1")
        for name, value in self.path.items():
            path = re.sub(rf"\{{{name}(?::path)?\}}", quote(value), path)
        return client.request(
            method, path, json=self.json, params=self.query, headers=self.headers, key=key if key is not None else False
        )


def ids_in(text: str) -> set[UUID]:
    """Return every id that stands in a text."""
    return {ids.decode(found[1], found[0]) for found in _TYPE_ID.finditer(text)}


def _leaves(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    match value:
        case Mapping():
            for name, inner in value.items():
                yield from _leaves(inner, (*steps, name))
        case list():
            for index, inner in enumerate(value):
                yield from _leaves(inner, (*steps, index))
        case _:
            yield steps, value
