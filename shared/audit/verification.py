"""Verifying a tenant's audit trail from its first block to its last entry: whatever was changed since is named.

In four passes, page by page, each of which can be gone on with at its checkpoint: the blocks with their entries, the
heads that the vault has, the entries that no block holds, and what waits for the sealer. Blocks are recomputed from
their columns and checked by the key; entries, in the database or archived, are recomputed from theirs. What a check
found to be wrong is said of the smallest thing that explains it: a block that is whole vouches for its entries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from shared.audit import chain, heads, reading, retention, rows
from shared.audit.archives import Archives
from shared.audit.chain import GENESIS, Block
from shared.audit.sealing_keys import SealingKeys
from shared.audit.vault import Vault
from shared.core import database, ids

BLOCKS = 10  # of one page, with up to ten thousand entries
ENTRIES = 5000  # of one page
HEADS = 50


class Code(StrEnum):
    """What can be wrong."""

    BLOCK_ALTERED = "block_altered"
    BLOCK_MISSING = "block_missing"
    ENTRY_ALTERED = "entry_altered"
    ENTRY_MISSING = "entry_missing"
    ENTRY_UNSEALED = "entry_unsealed"
    HEAD_ALTERED = "head_altered"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it was sealed."""

    code: Code
    subject: str  # "block 12", "audit_01h455vb4pex5vsknk084sn02q"
    message: str


class Pass(StrEnum):
    """How far a verification is."""

    BLOCKS = "blocks"
    HEADS = "heads"
    ENTRIES = "entries"
    ARCHIVES = "archives"
    WAITING = "waiting"
    DONE = "done"


@dataclass(frozen=True)
class Checkpoint:
    """Where a verification goes on. `number`: of the last block; `hash`: its hash, where the key vouches for it."""

    at: Pass = Pass.BLOCKS
    number: int = 0
    hash: bytes = GENESIS
    after: str = ""  # the last head's key, the last entry's id

    def told(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {"at": self.at.value, "number": self.number, "hash": self.hash.hex(), "after": self.after}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """Return what `told` was made from; the beginning, from an empty mapping."""
        if not told:
            return cls()
        return cls(Pass(told["at"]), told["number"], bytes.fromhex(told["hash"]), told["after"])


@dataclass(frozen=True)
class Page:
    """What one page came to, and where the next begins."""

    findings: Sequence[Finding]
    checkpoint: Checkpoint
    counts: Mapping[str, int]


class Verification:
    """The verification of one tenant's trail. Reads in transactions of its own, and talks to the outside between."""

    def __init__(self, store_id: UUID, *, keys: SealingKeys, vault: Vault) -> None:
        """Look at nothing yet."""
        self._store_id = store_id
        self._keys = keys
        self._vault = vault
        self._archives = Archives(store_id, vault)

    def pages(self, checkpoint: Checkpoint) -> Iterator[Page]:
        """Yield page after page from a checkpoint to the end."""
        steps = {
            Pass.BLOCKS: self._blocks,
            Pass.HEADS: self._heads,
            Pass.ENTRIES: self._entries,
            Pass.ARCHIVES: self._archived,
            Pass.WAITING: self._waiting,
        }
        while checkpoint.at is not Pass.DONE:
            page = steps[checkpoint.at](checkpoint)
            yield page
            checkpoint = page.checkpoint

    def _blocks(self, checkpoint: Checkpoint) -> Page:
        with database.transaction(self._store_id) as session:
            blocks = reading.blocks_after(session, checkpoint.number, most=BLOCKS)
            named = [entry_id for block in blocks for entry_id in block.entry_ids]
            entries = rows.by_id(session, named)
        found: list[Finding] = []
        for block in blocks:
            signed = self._keys.holds(block.header.key_version, chain.block_message(block.hash), block.mac)
            found += _gap(checkpoint.number, block.number)
            found += _wrong(block, checkpoint, signed=signed)
            found += self._entries_of(block, entries)
            checkpoint = replace(checkpoint, number=block.number, hash=block.hash if signed else b"")
        if len(blocks) < BLOCKS:
            checkpoint = replace(checkpoint, at=Pass.HEADS)
        return Page(found, checkpoint, {"blocks": len(blocks), "entries": len(named)})

    def _entries_of(self, block: Block, entries: Mapping[UUID, rows.Entry]) -> Iterator[Finding]:
        for entry_id, sealed in block.sealed if _is_whole(block) else ():
            entry = entries.get(entry_id)
            if entry is not None:
                present: bytes | None = rows.hash_of(entry)
                if bytes.fromhex(entry["row_hash"]) != sealed:
                    present = None
            elif retention.is_past(rows.month_of(entry_id)):
                continue
            else:
                present = self._archives.hash_of(entry_id)
                if present is None:
                    message = f"The entry that block {block.number} seals was removed."
                    yield Finding(Code.ENTRY_MISSING, _named(entry_id), message)
                    continue
            if present != sealed:
                message = f"The entry is not what block {block.number} sealed."
                yield Finding(Code.ENTRY_ALTERED, _named(entry_id), message)

    def _heads(self, checkpoint: Checkpoint) -> Page:
        found: list[Finding] = []
        left = [key for key in self._vault.keys(heads.folder(self._store_id)) if key > checkpoint.after]
        page = [heads.read(key, self._keys, self._vault) for key in left[:HEADS]]
        known = [one.head for one in page if one.head is not None]
        with database.transaction(self._store_id) as session:
            hashes = reading.block_hashes(session, [head.number for head in known])
        for one in page:
            if one.head is None:
                found.append(Finding(Code.HEAD_ALTERED, one.key, "The vault's head is none that our key signed."))
            elif one.head.number > checkpoint.number:
                # What was sealed since the blocks were looked at is there; what was cut off is not.
                found += [] if one.head.number in hashes else _gap(checkpoint.number, one.head.number + 1)
            elif hashes.get(one.head.number, one.head.hash) != one.head.hash:
                message = "The block is another than the vault's head of that number: the chain was rewritten."
                found.append(Finding(Code.BLOCK_ALTERED, f"block {one.head.number}", message))
        if len(page) == len(left):
            return Page(found, replace(checkpoint, at=Pass.ENTRIES, after=""), {"heads": len(page)})
        return Page(found, replace(checkpoint, after=page[-1].key), {"heads": len(page)})

    def _entries(self, checkpoint: Checkpoint) -> Page:
        with database.transaction(self._store_id) as session:
            present = reading.entry_ids_after(session, UUID(checkpoint.after or _ZERO), most=ENTRIES)
            loose = reading.held_by_no_block(session, present, in_log=True)
        found = [_loose(entry_id) for entry_id in loose]
        if len(present) < ENTRIES:
            return Page(found, replace(checkpoint, at=Pass.ARCHIVES, after=""), {})
        return Page(found, replace(checkpoint, after=str(present[-1])), {})

    def _archived(self, checkpoint: Checkpoint) -> Page:
        """Look for entries in the next archive that no block holds: nobody sealed those."""
        key = next((key for _, key in self._archives.parts() if key > checkpoint.after), None)
        if key is None:
            return Page([], replace(checkpoint, at=Pass.WAITING, after=""), {})
        with database.transaction(self._store_id) as session:
            loose = reading.held_by_no_block(session, sorted(self._archives.hashes(key)), in_log=False)
        return Page([_loose(entry_id) for entry_id in loose], replace(checkpoint, after=key), {"archives": 1})

    def _waiting(self, checkpoint: Checkpoint) -> Page:
        with database.transaction(self._store_id) as session:
            gone = reading.waiting_without_entry(session)
        message = "The entry was removed before it was sealed."
        found = [Finding(Code.ENTRY_MISSING, _named(entry_id), message) for entry_id in gone]
        return Page(found, replace(checkpoint, at=Pass.DONE), {})


def _wrong(block: Block, before: Checkpoint, *, signed: bool) -> Iterator[Finding]:
    """Say what is wrong with a block by itself, and with its place after the one before."""
    header, wrong = block.header, list[str]()
    if chain.header_hash(header) != block.hash:
        wrong.append("its columns do not come to its hash")
    if not signed:
        wrong.append("its MAC is not by the key")
    if not _is_whole(block):
        wrong.append("its entries do not come to its root")
    follows = before.hash in (header.previous_hash, b"") or block.number != before.number + 1
    if not wrong and not follows:
        wrong.append("it does not follow the block before it")
    if wrong:
        yield Finding(Code.BLOCK_ALTERED, f"block {block.number}", f"The block was altered: {'; '.join(wrong)}.")


def _is_whole(block: Block) -> bool:
    """Tell whether a block's entries are those that its header speaks of."""
    header, named = block.header, block.entry_ids
    if len(named) != header.row_count or len(block.entry_hashes) != chain.HASH * len(named) or not named:
        return False
    ends = (named[0], named[-1]) == (header.first_id, header.last_id)
    return ends and chain.root_of(block.sealed) == header.root


def _gap(before: int, number: int) -> Iterator[Finding]:
    """Say which blocks are missing between two that are there."""
    first, last = before + 1, number - 1
    if first == last:
        yield Finding(Code.BLOCK_MISSING, f"block {first}", "The block was removed.")
    elif first < last:
        yield Finding(Code.BLOCK_MISSING, f"blocks {first} to {last}", "The blocks were removed.")


def _loose(entry_id: UUID) -> Finding:
    message = "No block holds the entry, and it waits for none: it was inserted, or its block was removed or altered."
    return Finding(Code.ENTRY_UNSEALED, _named(entry_id), message)


def _named(entry_id: UUID) -> str:
    return ids.encode("audit", entry_id)


_ZERO = str(UUID(int=0))
