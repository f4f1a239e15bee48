"""What a block is, and how it is bound: to its entries by a Merkle tree, to the block before by a hash.

A leaf is SHA-256 of a zero byte, the entry's id and its row hash; a node is SHA-256 of a one byte and its two children;
a node without a neighbour goes up as it is. So whoever has an entry and the hashes beside its way (`path`, at most ten
for a block of a thousand) comes to the block's root without seeing another entry.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

HASH = 32  # bytes of SHA-256
GENESIS = bytes(HASH)  # what stands for the hash before the first block
_FORMAT = 1

type Step = tuple[Literal["left", "right"], bytes]  # on which side the neighbour stands, and its hash


@dataclass(frozen=True)
class Header:
    """What a block says of itself: all that its hash covers."""

    store_id: UUID
    number: int
    previous_hash: bytes
    root: bytes
    row_count: int
    first_id: UUID
    last_id: UUID
    sealed_at: datetime
    key_version: int


@dataclass(frozen=True)
class Block:
    """A sealed block, as its row holds it."""

    header: Header
    entry_ids: tuple[UUID, ...]
    entry_hashes: bytes
    hash: bytes
    mac: bytes

    @property
    def number(self) -> int:
        """Its place in the chain, from 1."""
        return self.header.number

    @property
    def sealed(self) -> list[tuple[UUID, bytes]]:
        """The entries' ids with their hashes, in order."""
        hashes = self.entry_hashes
        return [(one, hashes[HASH * at : HASH * (at + 1)]) for at, one in enumerate(self.entry_ids)]


def header_hash(header: Header) -> bytes:
    """Return the SHA-256 of a header's canonical JSON: keys sorted, no spaces, bytes as hexadecimal."""
    told = {
        "format": _FORMAT,
        "store_id": str(header.store_id),
        "number": header.number,
        "previous_hash": header.previous_hash.hex(),
        "root": header.root.hex(),
        "row_count": header.row_count,
        "first_id": str(header.first_id),
        "last_id": str(header.last_id),
        "sealed_at": header.sealed_at.isoformat(),
        "key_version": header.key_version,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).digest()


def block_message(block_hash: bytes) -> bytes:
    """Return what the MAC of a block is made over: no other thing that the key signs reads like it."""
    return b"stormcom/audit-block/1\n" + block_hash


def root_of(sealed: Iterable[tuple[UUID, bytes]]) -> bytes:
    """Return the root of the tree over entries (id and row hash) in this order; there is at least one."""
    level = _leaves(sealed)
    while len(level) > 1:
        level = _above(level)
    return level[0]


def path(sealed: Iterable[tuple[UUID, bytes]], position: int) -> list[Step]:
    """Return the neighbours on the way from the leaf at `position` (from 0) to the root."""
    level, steps = _leaves(sealed), list[Step]()
    while len(level) > 1:
        neighbour = position ^ 1
        if neighbour < len(level):
            steps.append(("left" if neighbour < position else "right", level[neighbour]))
        level, position = _above(level), position // 2
    return steps


def root_by(entry_id: UUID, row_hash: bytes, steps: Sequence[Step]) -> bytes:
    """Return the root that an entry and the neighbours on its way come to."""
    [present] = _leaves([(entry_id, row_hash)])
    for side, neighbour in steps:
        present = _node(neighbour, present) if side == "left" else _node(present, neighbour)
    return present


def _leaves(sealed: Iterable[tuple[UUID, bytes]]) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + entry_id.bytes + row_hash).digest() for entry_id, row_hash in sealed]


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
