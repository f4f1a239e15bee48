"""Sealing: a block of what a tenant's chain does not hold yet, in three steps: claim, MAC, append.

No lock is held from one step to the next, and none by the business. What a block must be follows from the chain's head
and from what waits, so two sealers make the same one or two that have one number, of which the first to be appended
stands; the other was in vain. A sealer that dies at any point leaves a chain on which the next one goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.audit import chain
from shared.audit.chain import GENESIS, Block, Header
from shared.audit.models import MOST
from shared.audit.sealing_keys import SealingKeys
from shared.core import audit, clock, queues, tenancy

_WAITING = text("""
with head as (
    select number, hash from audit_blocks where store_id = :store_id order by number desc limit 1
), due as (
    select id from unsealed_entries where store_id = :store_id order by id limit :most
)
select e.id, e.row_hash, head.number, head.hash
from due join audit_entries e on e.store_id = :store_id and e.id = due.id left join head on true
order by e.id
""")

_APPEND = text("""
insert into audit_blocks (store_id, number, previous_hash, root, entry_ids, entry_hashes, row_count, first_id, last_id,
                          sealed_at, key_version, hash, mac)
values (:store_id, :number, :previous_hash, :root, cast(:entry_ids as uuid[]), :entry_hashes, :row_count, :first_id,
        :last_id, :sealed_at, :key_version, :hash, :mac)
on conflict do nothing returning number
""")

_SETTLE = text("delete from unsealed_entries where store_id = :store_id and id = any(cast(:ids as uuid[]))")

_TENANTS = text("select * from lookup.tenants_with_unsealed_entries(:most)")
_OLDEST = text("select lookup.oldest_unsealed_entry()")


@dataclass(frozen=True)
class Draft:
    """A block that lacks its MAC."""

    block: Block
    full: bool  # there may be more that waits


def claim(session: Session, *, key_version: int) -> Draft | None:
    """Draft the tenant's next block; None when nothing waits. One statement."""
    store_id = tenancy.require_store(session)
    rows = session.execute(_WAITING, {"store_id": store_id, "most": MOST}).all()
    if not rows:
        return None
    sealed = [(row.id, bytes(row.row_hash)) for row in rows]
    header = Header(
        store_id=store_id,
        number=(rows[0].number or 0) + 1,
        previous_hash=GENESIS if rows[0].hash is None else bytes(rows[0].hash),
        root=chain.root_of(sealed),
        row_count=len(sealed),
        first_id=sealed[0][0],
        last_id=sealed[-1][0],
        sealed_at=clock.now(),
        key_version=key_version,
    )
    return Draft(_block(header, sealed), full=len(rows) == MOST)


def sign(draft: Draft, keys: SealingKeys) -> Block:
    """Give a block its MAC. May call the outside, so it belongs into no transaction."""
    block = draft.block
    return replace(block, mac=keys.mac(block.header.key_version, chain.block_message(block.hash)))


def append(session: Session, draft: Draft, block: Block) -> bool:
    """Append a block and forget what waited for it; False: another sealer was first, and nothing was changed.

    Two statements. Who drafted a full block is followed by a message for the rest.
    """
    header, store_id = block.header, tenancy.require_store(session)
    values: dict[str, Any] = {
        **vars(header),
        "entry_ids": list(block.entry_ids),
        "entry_hashes": block.entry_hashes,
        "hash": block.hash,
        "mac": block.mac,
    }
    if session.execute(_APPEND, values).first() is None:
        return False
    session.execute(_SETTLE, {"store_id": store_id, "ids": list(block.entry_ids)})
    if draft.full:
        queues.send_after_commit(session, audit.QUEUE, {"store_id": str(store_id)})
    return True


def tenants_that_wait(session: Session, most: int) -> list[UUID]:
    """Return up to `most` tenants that have unsealed entries. A look-up function."""
    return list(session.scalars(_TENANTS, {"most": most}))


def longest_wait(session: Session) -> timedelta:
    """Return for how long the oldest unsealed entry of the whole system is unprotected; zero when there is none."""
    oldest: datetime | None = session.scalar(_OLDEST)
    return timedelta(0) if oldest is None else max(timedelta(0), clock.now() - oldest)


def _block(header: Header, sealed: Sequence[tuple[UUID, bytes]]) -> Block:
    return Block(
        header=header,
        entry_ids=tuple(entry_id for entry_id, _ in sealed),
        entry_hashes=b"".join(row_hash for _, row_hash in sealed),
        hash=chain.header_hash(header),
        mac=b"",
    )
