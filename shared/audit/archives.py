"""Archives: a month of a tenant's entries as files in the vault, made part by part, each read back before it counts.

A part is gzipped JSONL, an entry a line as it was hashed. What a part holds follows from the parts before it, so
whoever is killed, or works beside another, makes the same one again and finds it there.
"""

import gzip
import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.audit import retention, rows
from shared.audit.models import AuditArchive
from shared.audit.rows import Entry
from shared.audit.vault import Vault
from shared.core import clock, tenancy

QUEUE = "audit-archives"
MOST = 20_000  # entries of one part: some 10 MB of JSON

_UNSEALED = text("""
select count(*) from unsealed_entries where store_id = :store_id and id = any(cast(:ids as uuid[]))
""")
_NAME = re.compile(r"(?P<month>\d{4}-\d{2})/(?P<part>\d{6})-(?P<first>[0-9a-f-]{36})\.jsonl\.gz$")


class NotSealedYet(RuntimeError):
    """Entries of a month that is to be archived wait for the sealer: nothing is archived before it is sealed."""


class ArchiveSpoiled(RuntimeError):
    """What lies in the vault is not what was to be put there. Its month stays in the database; a person has to look."""


@dataclass(frozen=True)
class Part:
    """The next part of a tenant's month."""

    store_id: UUID
    month: date
    number: int
    entries: Sequence[Entry]

    @property
    def key(self) -> str:
        """Where it lies in the vault."""
        return f"{folder(self.store_id)}{self.month:%Y-%m}/{self.number:06}-{self.entries[0]['id']}.jsonl.gz"


@dataclass(frozen=True)
class Kept:
    """A part as it lies in the vault."""

    size: int  # bytes
    sha256: bytes


def folder(store_id: UUID) -> str:
    """Return what the keys of a tenant's archives begin with."""
    return f"entries/{store_id}/"


def next_part(session: Session) -> Part | None:
    """Return what is to be archived next of the tenant's months that are past their time; None when all of it is.

    Three statements a month.

    Raises:
        NotSealedYet: some of it waits for the sealer.
    """
    months = retention.months_past_hot(session)
    return next((part for month in months if (part := _next_of(session, month)) is not None), None)


def _next_of(session: Session, month: date) -> Part | None:
    store_id = tenancy.require_store(session)
    of_month = select(AuditArchive.part, AuditArchive.last_id).where(
        AuditArchive.store_id == store_id, AuditArchive.month == month
    )
    last = session.execute(of_month.order_by(AuditArchive.part.desc()).limit(1)).first()
    entries = rows.of_month(session, month, after=last.last_id if last else None, most=MOST)
    if not entries:
        return None
    waiting = session.scalar(_UNSEALED, {"store_id": store_id, "ids": [UUID(entry["id"]) for entry in entries]})
    if waiting:
        message = f"{waiting} entries of {month:%Y-%m} wait for the sealer."
        raise NotSealedYet(message)
    return Part(store_id, month, 1 if last is None else last.part + 1, entries)


def keep(part: Part, vault: Vault) -> Kept:
    """Put a part into the vault, unless it is there, and read it back. Talks to the outside.

    Raises:
        ArchiveSpoiled: what is read is not what the part holds.
    """
    lines = b"".join(json.dumps(entry, sort_keys=True).encode() + b"\n" for entry in part.entries)
    file = io.BytesIO(gzip.compress(lines, compresslevel=6, mtime=0))
    vault.put_new(part.key, file, until=retention.kept_until(part.month))
    with vault.open(part.key) as kept:
        found = kept.read()
    try:
        read = list(_entries(found))
    except (OSError, EOFError, ValueError) as error:
        message = f"{part.key} cannot be read."
        raise ArchiveSpoiled(message) from error
    if read != [json.loads(line) for line in lines.splitlines()]:
        message = f"{part.key} holds something else: {len(read)} entries instead of {len(part.entries)}, or others."
        raise ArchiveSpoiled(message)
    return Kept(len(found), hashlib.sha256(found).digest())


def settle(session: Session, part: Part, kept: Kept) -> None:
    """Note that a part is archived. One statement; a second time changes nothing."""
    session.execute(
        insert(AuditArchive)
        .values(
            store_id=part.store_id,
            month=part.month,
            part=part.number,
            first_id=UUID(part.entries[0]["id"]),
            last_id=UUID(part.entries[-1]["id"]),
            row_count=len(part.entries),
            size=kept.size,
            sha256=kept.sha256,
            archived_at=clock.now(),
        )
        .on_conflict_do_nothing()
    )


class Archives:
    """A tenant's archives, to be asked for single entries in the order of their ids; in memory is one part at a time.

    What lies in the vault decides, not what the database says of it.
    """

    def __init__(self, store_id: UUID, vault: Vault) -> None:
        """Look at nothing before the first question."""
        self._vault = vault
        self._folder = folder(store_id)
        self._parts: list[tuple[UUID, str]] | None = None
        self._open: tuple[str, dict[UUID, bytes]] | None = None

    def hash_of(self, entry_id: UUID) -> bytes | None:
        """Return the hash of an archived entry's content; None where there is no such entry."""
        key = next((key for first, key in reversed(self.parts()) if first <= entry_id), None)
        return None if key is None else self.hashes(key).get(entry_id)

    def parts(self) -> list[tuple[UUID, str]]:
        """Return the parts by the id of their first entry, and their keys."""
        if self._parts is None:
            named = [(found, key) for key in self._vault.keys(self._folder) if (found := _NAME.search(key))]
            self._parts = sorted((UUID(found["first"]), key) for found, key in named)
        return self._parts

    def hashes(self, key: str) -> dict[UUID, bytes]:
        """Return the entries of a part, by id, with the hash of their content; none where it cannot be read."""
        if self._open is None or self._open[0] != key:
            with self._vault.open(key) as file:
                content = file.read()
            try:
                self._open = key, {UUID(entry["id"]): _hash_of(entry) for entry in _entries(content)}
            except (OSError, EOFError, ValueError, KeyError):
                self._open = key, {}
        return self._open[1]


def _hash_of(entry: Entry) -> bytes:
    """Return the hash of an entry's content; nothing where the line itself says another."""
    found = rows.hash_of(entry)
    return found if found.hex() == entry["row_hash"] else b""


def _entries(content: bytes) -> Iterator[Entry]:
    with gzip.open(io.BytesIO(content)) as lines:
        for line in lines:
            yield json.loads(line)
