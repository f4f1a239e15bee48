"""What somebody with the owner's rights, and without the key, can do to an audit trail; each names what it did it to.

A kind is a function of a trail and of dice; it changes the database, or the vault's files of a laptop, behind
everybody's back, and returns what a verification has to name: one of these is enough, for a row that was moved is
missing in one place and too many in another.
"""

import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from shared.audit import chain, rows
from shared.audit.chain import Block, Header
from shared.core import audit, ids
from tests.audit.trail import insert_row
from tests.database import Sql

WRONG_KEY = b"not the key that seals, and yet 32 bytes"


@dataclass(frozen=True)
class Trail:
    """A tenant's trail as it is before anybody touches it, and the ways to touch it."""

    tenant: UUID
    stranger: UUID  # another tenant
    sql: Sql
    blocks: tuple[Block, ...]
    entries: tuple[UUID, ...]  # sealed, and in the database
    archive: Path  # the file of one archived month

    def sealed_in(self, entry_id: UUID) -> int:
        """Return the number of the block that seals an entry."""
        return next(block.number for block in self.blocks if entry_id in block.entry_ids)

    def row(self, entry_id: UUID) -> dict[str, Any]:
        """Return an entry as it was hashed."""
        [row] = self.sql(
            "select *, encode(ip, 'hex') as ip from audit_entries where store_id = %s and id = %s",
            self.tenant,
            entry_id,
        )
        return {name: value.isoformat() if name == "at" else _json(value) for name, value in row.items()}


type Named = frozenset[tuple[str, UUID | int]]  # ("entry", its id), ("block", its number)
type Tamper = Callable[[Trail, Random], Named]


def entry(*entry_ids: UUID) -> Named:
    """Name entries."""
    return frozenset(("entry", entry_id) for entry_id in entry_ids)


def block(*numbers: int) -> Named:
    """Name blocks."""
    return frozenset(("block", number) for number in numbers)


ENTRY_COLUMNS = {
    "store_id": "uuid",
    "id": "uuid",
    "at": "timestamptz",
    "actor_kind": "text",
    "actor_id": "text",
    "action": "text",
    "entity": "text",
    "entity_id": "uuid",
    "before": "jsonb",
    "after": "jsonb",
    "severity": "text",
    "correlation_id": "text",
    "request_id": "text",
    "ip": "bytea",
    "user_agent": "text",
    "row_hash": "bytea",
}
BLOCK_COLUMNS = {
    "store_id": "uuid",
    "number": "bigint",
    "previous_hash": "bytea",
    "root": "bytea",
    "entry_ids": "uuid[]",
    "entry_hashes": "bytea",
    "row_count": "bigint",
    "first_id": "uuid",
    "last_id": "uuid",
    "sealed_at": "timestamptz",
    "key_version": "bigint",
    "hash": "bytea",
    "mac": "bytea",
}


def flip_in_an_entry(trail: Trail, dice: Random) -> Named:
    """Flip a bit of any column of a sealed entry."""
    chosen, column = dice.choice(trail.entries), dice.choice(sorted(ENTRY_COLUMNS))
    _flip(trail, dice, "audit_entries", column, ENTRY_COLUMNS[column], where="id = %s", key=chosen)
    return entry(chosen)


def remove_entries(trail: Trail, dice: Random) -> Named:
    """Remove an entry, or some."""
    gone = dice.sample(trail.entries, dice.randint(1, 3))
    trail.sql("delete from audit_entries where store_id = %s and id = any(%s::uuid[])", trail.tenant, gone)
    return entry(*gone)


def exchange_entries(trail: Trail, dice: Random) -> Named:
    """Let two entries take each other's place: all but their ids."""
    first, second = dice.sample(trail.entries, 2)
    spare = ids.new_id()
    for before, after in ((first, spare), (second, first), (spare, second)):
        trail.sql("update audit_entries set id = %s where store_id = %s and id = %s", after, trail.tenant, before)
    return entry(first, second)


def rewrite_an_entry(trail: Trail, dice: Random) -> Named:
    """Alter an entry and give it the row hash that goes with it."""
    chosen = dice.choice(trail.entries)
    _rewrite_entry(trail, chosen, dice)
    return entry(chosen)


def insert_an_entry(trail: Trail, dice: Random) -> Named:
    """Insert an entry that is well made in every way but that nobody sealed it."""
    row = trail.row(dice.choice(trail.entries))
    forged = UUID(int=UUID(row["id"]).int ^ dice.getrandbits(48) ^ 1)
    row |= {"id": str(forged), "entity_id": str(ids.new_id())}
    insert_row(trail.sql, {**row, "ip": None, "row_hash": audit.row_hash({**row, "ip": None})})
    return entry(forged)


def move_an_entry(trail: Trail, dice: Random) -> Named:
    """Give an entry to another tenant."""
    chosen = dice.choice(trail.entries)
    trail.sql(
        "update audit_entries set store_id = %s where store_id = %s and id = %s", trail.stranger, trail.tenant, chosen
    )
    return entry(chosen)


def flip_in_a_block(trail: Trail, dice: Random) -> Named:
    """Flip a bit of any column of a block."""
    chosen, column = dice.choice(trail.blocks).number, dice.choice(sorted(BLOCK_COLUMNS))
    _flip(trail, dice, "audit_blocks", column, BLOCK_COLUMNS[column], where="number = %s", key=chosen)
    return block(chosen)


def reorder_within_a_block(trail: Trail, dice: Random) -> Named:
    """Let two entries of a block change places in it, with their hashes or without."""
    chosen = dice.choice([one for one in trail.blocks if len(one.entry_ids) > 1])
    order = list(range(len(chosen.entry_ids)))
    first, second = dice.sample(order, 2)
    order[first], order[second] = order[second], order[first]
    hashes = [chosen.sealed[at][1] for at in order]
    changed: dict[str, Any] = {"entry_ids": [chosen.entry_ids[at] for at in order]}
    if dice.random() < 0.5:
        changed["entry_hashes"] = b"".join(hashes)
    _update_block(trail, chosen.number, changed)
    return block(chosen.number)


def take_an_entry_out_of_a_block(trail: Trail, dice: Random) -> Named:
    """Remove an entry, and its name and hash from its block, whose root and count are made anew."""
    chosen = dice.choice([one for one in trail.blocks if len(one.entry_ids) > 1])
    at = dice.randrange(len(chosen.entry_ids))
    sealed = [one for number, one in enumerate(chosen.sealed) if number != at]
    trail.sql("delete from audit_entries where store_id = %s and id = %s", trail.tenant, chosen.entry_ids[at])
    _put(trail, _made_anew(chosen, sealed, chosen.header.previous_hash, mac=chosen.mac))
    return block(chosen.number)


def remove_a_block(trail: Trail, dice: Random) -> Named:
    """Remove a block from the beginning or the middle, with its entries or without."""
    chosen = dice.choice(trail.blocks[:-1])
    _remove_blocks(trail, [chosen], with_entries=dice.random() < 0.5)
    return block(chosen.number)


def cut_off_the_end(trail: Trail, dice: Random) -> Named:
    """Remove the last blocks, with their entries or without; the vault has the head."""
    gone = trail.blocks[-dice.randint(1, len(trail.blocks)) :]
    _remove_blocks(trail, gone, with_entries=dice.random() < 0.5)
    return block(*(one.number for one in gone))


def exchange_blocks(trail: Trail, dice: Random) -> Named:
    """Let two blocks take each other's number."""
    first, second = (one.number for one in dice.sample(trail.blocks, 2))
    for before, after in ((first, 10**6), (second, first), (10**6, second)):
        _update_block(trail, before, {"number": after})
    return block(first, second)


def replay_a_block(trail: Trail, dice: Random) -> Named:
    """Put the content of a block, MAC and all, into the place of another."""
    chosen, source = dice.sample(trail.blocks, 2)
    _put(trail, replace(source, header=replace(source.header, number=chosen.number)))
    return block(chosen.number)


def append_a_block(trail: Trail, dice: Random) -> Named:
    """Append a block with a forged entry, signed by another key."""
    [(_, forged)] = insert_an_entry(trail, dice)
    assert isinstance(forged, UUID)
    last = trail.blocks[-1]
    sealed = [(forged, bytes.fromhex(trail.row(forged)["row_hash"]))]
    made = _made_anew(last, sealed, last.hash)
    header = replace(made.header, number=last.number + 1)
    trail.sql(
        "insert into audit_blocks select store_id, %s, previous_hash, root, entry_ids, entry_hashes, row_count, "
        "first_id, last_id, sealed_at, key_version, hash, mac from audit_blocks where store_id = %s and number = %s",
        header.number,
        trail.tenant,
        last.number,
    )
    _put(trail, _signed(replace(made, header=header, hash=chain.header_hash(header))))
    return block(header.number)


def rewrite_the_chain(trail: Trail, dice: Random) -> Named:
    """Alter an entry and make its block and all that follow anew: everything is right but the key."""
    chosen = dice.choice(trail.entries)
    at = trail.sealed_in(chosen)
    row_hash = _rewrite_entry(trail, chosen, dice)
    previous = trail.blocks[at - 1].header.previous_hash
    for one in trail.blocks[at - 1 :]:
        sealed = [(entry_id, row_hash if entry_id == chosen else found) for entry_id, found in one.sealed]
        made = _signed(_made_anew(one, sealed, previous))
        _put(trail, made)
        previous = made.hash
    return block(at)


def flip_in_an_archive(trail: Trail, dice: Random) -> Named:
    """Alter a line of an archived month, and give it the row hash that goes with it."""
    lines = [json.loads(line) for line in gzip.decompress(trail.archive.read_bytes()).splitlines()]
    chosen = dice.choice(lines)
    chosen["after"] = {"count": dice.randrange(10**9)}
    chosen["row_hash"] = rows.hash_of(chosen).hex()
    _write_archive(trail, lines)
    return entry(UUID(chosen["id"]))


def remove_from_an_archive(trail: Trail, dice: Random) -> Named:
    """Remove a line of an archived month."""
    lines = [json.loads(line) for line in gzip.decompress(trail.archive.read_bytes()).splitlines()]
    gone = lines.pop(dice.randrange(1, len(lines)))
    _write_archive(trail, lines)
    return entry(UUID(gone["id"]))


KINDS: Sequence[Tamper] = (
    flip_in_an_entry,
    flip_in_a_block,
    remove_entries,
    exchange_entries,
    rewrite_an_entry,
    insert_an_entry,
    move_an_entry,
    reorder_within_a_block,
    take_an_entry_out_of_a_block,
    remove_a_block,
    cut_off_the_end,
    exchange_blocks,
    replay_a_block,
    append_a_block,
    rewrite_the_chain,
    flip_in_an_archive,
    remove_from_an_archive,
)


def _flip(trail: Trail, dice: Random, table: str, column: str, kind: str, *, where: str, key: object) -> None:
    [row] = trail.sql(f"select {column} as it from {table} where store_id = %s and {where}", trail.tenant, key)
    flipped = _FLIPPED[kind](row["it"], dice)
    trail.sql(f"update {table} set {column} = %s::{kind} where store_id = %s and {where}", flipped, trail.tenant, key)


def _bit(content: bytes, dice: Random) -> bytes:
    flipped = bytearray(content or b"\x00")
    flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
    return bytes(flipped)


def _letter(text: str | None, dice: Random) -> str:
    if not text:
        return "x"
    at = dice.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def _in_json(value: dict[str, Any] | None, dice: Random) -> str:
    return json.dumps({**(value or {}), "count": -1 - dice.randrange(10**6)})


_FLIPPED: dict[str, Callable[[Any, Random], Any]] = {
    "uuid": lambda value, dice: UUID(int=value.int ^ 1 << dice.randrange(128)),
    "uuid[]": lambda value, dice: [UUID(int=value[0].int ^ 1 << dice.randrange(128)), *value[1:]],
    "timestamptz": lambda value, dice: value + timedelta(microseconds=1 << dice.randrange(40)),
    "text": _letter,
    "jsonb": _in_json,
    "bytea": lambda value, dice: _bit(bytes(value or b""), dice),
    "bigint": lambda value, dice: value ^ 1 << dice.randrange(8, 40),  # past the numbers that are taken
}


def _rewrite_entry(trail: Trail, entry_id: UUID, dice: Random) -> bytes:
    row = trail.row(entry_id)
    row["after"] = {"count": -1 - dice.randrange(10**6)}
    row_hash = audit.row_hash(row)
    trail.sql(
        "update audit_entries set after = %s::jsonb, row_hash = %s where store_id = %s and id = %s",
        json.dumps(row["after"]),
        row_hash,
        trail.tenant,
        entry_id,
    )
    return row_hash


def _remove_blocks(trail: Trail, gone: Sequence[Block], *, with_entries: bool) -> None:
    numbers = [one.number for one in gone]
    trail.sql("delete from audit_blocks where store_id = %s and number = any(%s::bigint[])", trail.tenant, numbers)
    if with_entries:
        named = [entry_id for one in gone for entry_id in one.entry_ids]
        trail.sql("delete from audit_entries where store_id = %s and id = any(%s::uuid[])", trail.tenant, named)


def _made_anew(
    old: Block, sealed: Sequence[tuple[UUID, bytes]], previous_hash: bytes, *, mac: bytes = b"\x00" * 32
) -> Block:
    header: Header = replace(
        old.header,
        previous_hash=previous_hash,
        root=chain.root_of(sealed),
        row_count=len(sealed),
        first_id=sealed[0][0],
        last_id=sealed[-1][0],
    )
    hashes = b"".join(row_hash for _, row_hash in sealed)
    return Block(header, tuple(one for one, _ in sealed), hashes, chain.header_hash(header), mac)


def _signed(made: Block) -> Block:
    return replace(made, mac=hmac.digest(WRONG_KEY, chain.block_message(made.hash), hashlib.sha256))


def _put(trail: Trail, made: Block) -> None:
    """Let a block's row hold this, under its number."""
    told = {name: value for name, value in vars(made.header).items() if name not in {"store_id", "number"}}
    held = {"entry_ids": list(made.entry_ids), "entry_hashes": made.entry_hashes, "hash": made.hash, "mac": made.mac}
    _update_block(trail, made.number, told | held)


def _update_block(trail: Trail, number: int, columns: Mapping[str, Any]) -> None:
    assignments = ", ".join(f"{column} = %s::{BLOCK_COLUMNS[column]}" for column in columns)
    trail.sql(
        f"update audit_blocks set {assignments} where store_id = %s and number = %s",
        *columns.values(),
        trail.tenant,
        number,
    )


def _write_archive(trail: Trail, lines: Sequence[dict[str, Any]]) -> None:
    trail.archive.write_bytes(gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)))


def _json(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case _:
            return value
