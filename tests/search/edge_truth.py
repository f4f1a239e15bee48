"""Whether what the edge keeps is what the origin would say, and of what is not: since when, and who was to tell it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from shared.core import clock
from tests.edge import Edge, Kept
from tests.factories import StoreUnderTest

_WAITING = text("select tag, min(since) as since from outdated_tags where store_id = :store_id group by tag")
_MOST_SHOWN = 4  # of the places that differ


@dataclass(frozen=True)
class Untrue:
    """An answer that was not what the origin would have said.

    `told`: those of its tags that the edge is about to forget, with the moment at which that was written down; none: it
    stays.
    """

    path: str
    kept: Kept
    seen_at: datetime
    told: dict[str, datetime]
    only_reordered: bool  # by what was sold since: each product that both show is shown alike
    differs: str

    @property
    def seconds(self) -> float:
        """For how long it had been untrue; of what no tag tells, as long as it may have been."""
        return (self.seen_at - min(self.told.values(), default=self.kept.stored_at)).total_seconds()

    def __str__(self) -> str:
        """Tell of it in a line."""
        by = f"told by {', '.join(sorted(self.told))}" if self.told else f"not told by {', '.join(self.kept.tags)}"
        kept = f"kept {self.kept.stored_at:%H:%M:%S}, seen {self.seen_at:%H:%M:%S}, {self.seconds:.1f} s"
        return f"{self.path}: {kept}, {by}: {self.differs}"


class Truth:
    """Compares what an edge keeps of one store with the origin. What the edge is about to forget is told to it."""

    def __init__(self, store: StoreUnderTest, edge: Edge) -> None:
        """Begin with nothing on its way to the edge."""
        self._store, self._edge = store, edge
        self._on_its_way: list[dict[str, datetime]] = []

    def waiting(self) -> dict[str, datetime]:
        """Return the tags that are written down for the edge, each with the moment at which it was."""
        with self._store.session() as session:
            return {row.tag: row.since for row in session.execute(_WAITING, {"store_id": self._store.id})}

    def sent(self, tags: dict[str, datetime]) -> None:
        """Note what the edge was told, and has not forgotten yet."""
        self._on_its_way.append(tags)

    def forgotten(self, tags: dict[str, datetime]) -> None:
        """Note that it has."""
        self._on_its_way.remove(tags)

    def look(self, path: str, kept: Kept) -> Untrue | None:
        """Return how a kept answer differs from what the origin says now; None: it does not."""
        now = self._store.shopper.get(path).body
        if now == kept.answer.body:
            return None
        told = {
            tag: tags[tag] for tags in (self.waiting(), *reversed(self._on_its_way)) for tag in kept.tags & tags.keys()
        }
        reordered = is_reordered(path, kept.answer.body, now)
        return Untrue(path, kept, clock.now(), told, reordered, _difference(kept.answer.body, now))

    def of_all(self) -> Iterator[tuple[str, Kept]]:
        """Return what the edge would answer by at this moment, each answer once."""
        seen: set[tuple[str, bytes]] = set()
        for kept in self._edge.locations.values():
            for (path, *_), one in list(kept.items()):
                if clock.now() < one.fresh_until and (path, one.answer.body) not in seen:
                    seen.add((path, one.answer.body))
                    yield path, one

    def still_keeps(self, kept: Kept) -> bool:
        """Tell whether some location would still answer by it."""
        return clock.now() < kept.fresh_until and any(
            one is kept for location in self._edge.locations.values() for one in location.values()
        )


def is_reordered(path: str, before: bytes, now: bytes) -> bool:
    """Tell whether two answers differ in what sales alone may change: which products a bestseller or a find is.

    A search ranks what was found: it may show other ones of them, and not find others.
    """
    searched = path.startswith("/storefront/search")
    if not searched and "bestselling" not in path:
        return False
    (shown, rest), (shown_now, rest_now) = (_parts(json.loads(body)) for body in (before, now))
    alike = all(shown[one] == shown_now[one] for one in shown.keys() & shown_now.keys())
    return alike and (rest == rest_now if searched else True)


def _parts(answer: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a list's cards by their ids, and what it says beside them."""
    cards = answer.get("data") or answer.get("products") or []
    return {one["id"]: one for one in cards}, {name: answer[name] for name in answer.keys() - {"data", "products"}}


def _difference(before: bytes, now: bytes) -> str:
    """Name the places of two documents that differ, the first of them."""
    kept, present = (dict(_places("", json.loads(one or b"null"))) for one in (before, now))
    differing = (place for place in kept | present if kept.get(place) != present.get(place))
    told = [f"{place}: kept {kept.get(place)!r}, now {present.get(place)!r}" for place in differing]
    return "; ".join((*told[:_MOST_SHOWN], *(["..."] if told[_MOST_SHOWN:] else [])))


def _places(where: str, part: Any) -> Iterator[tuple[str, Any]]:
    """Return what stands where; of a list of things that have a slug, where the slug stands and what it has."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _places(f"{where}.{name}" if where else name, value)
    elif isinstance(part, list):
        for place, value in enumerate(part):
            slug = value.get("slug") if isinstance(value, dict) else None
            if slug is not None:
                yield f"{where}[{place}]", slug
            yield from _places(f"{where}[{place if slug is None else slug}]", value)
    else:
        yield where, part
