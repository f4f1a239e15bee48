"""What marks a store: the word that stands in each of its texts, its phone, its own id and the ids of all of its rows.

Whatever leaves the system for one store, or is kept for it, may bear the marks of no other.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from shared.core import telemetry
from tests.database import Sql
from tests.tenancy.calls import ids_in
from tests.tenancy.rows import ids_of, tables_of_stores
from tests.tenancy.world import World

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")


@dataclass(frozen=True)
class Marks:
    """The marks of one store."""

    word: str
    phone: str
    ids: frozenset[UUID]

    @classmethod
    def of(cls, sql: Sql, world: World) -> "Marks":
        """Read which ids a store has at present."""
        own = ids_of(sql, world.store.id, tables_of_stores(sql))
        return cls(world.word, str(world.phone), frozenset({*own, world.store.id}))

    def are_in(self, text: str) -> bool:
        """Tell whether a text bears one of them."""
        named = ids_in(text) | {UUID(found) for found in _UUID.findall(text)}
        return self.word in text.lower() or self.phone in text or not self.ids.isdisjoint(named)


@dataclass(frozen=True)
class Found:
    """Which of some texts bear whose marks."""

    mine: list[str]
    theirs: list[str]
    both: list[str]


def sorted_by(marks: tuple[Marks, Marks], texts: Iterable[str]) -> Found:
    """Sort texts by whose marks they bear."""
    found = Found([], [], [])
    for text in texts:
        mine, theirs = (one.are_in(text) for one in marks)
        if mine and theirs:
            found.both.append(text)
        elif mine:
            found.mine.append(text)
        elif theirs:
            found.theirs.append(text)
    return found


def rows(sql: Sql, world: World) -> Iterator[str]:
    """Return every row that a store has, as text, with its table."""
    for table in tables_of_stores(sql):
        told = sql(f"select r::text as row from {table.name} r where {table.owner_column} = %s", world.store.id)
        yield from (f"{table.name}: {one['row']}" for one in told)


def files(folder: Path) -> Iterator[str]:
    """Return every line of every file of the local state, with its path: objects under their keys, sent messages."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            where = path.relative_to(folder)
            yield from (f"{where}: {line.decode('utf-8', 'replace')}" for line in path.read_bytes().splitlines())


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Keep every line that is logged, the ones on each request and message among them."""
    logger, lines = telemetry.logger(), list[str]()

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logger.registered_formatter.format(record))

    keeper, before = Keeper(), logger.log_level
    logger.addHandler(keeper)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(before)
        logger._logger.removeHandler(keeper)  # Powertools has no way of its own to take a handler back
