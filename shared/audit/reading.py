"""What a verifier and a proof read of the chain, and of what is not in it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from shared.audit.chain import Block, Header
from shared.core import tenancy

_COLUMNS = """store_id, number, previous_hash, root, row_count, first_id, last_id, sealed_at, key_version,
              entry_ids, entry_hashes, hash, mac"""
_NEAR = 12  # blocks beyond the ids asked for, since what commits late is sealed late

_BLOCKS_AFTER = text(f"""
select {_COLUMNS} from audit_blocks where store_id = :store_id and number > :after order by number limit :most
""")  # noqa: S608 -- the columns are a constant of ours
_HASHES = text("""
select number, hash from audit_blocks where store_id = :store_id and number = any(cast(:numbers as bigint[]))
""")
# Nearly always the first block that ends with the entry, or after it.
_HOLDING = text(f"""
select {_COLUMNS} from audit_blocks
where store_id = :store_id and last_id >= :id and first_id <= :id and :id = any(entry_ids)
order by last_id limit 1
""")  # noqa: S608 -- as above
_ENTRY_IDS = text("""
select id from audit_entries where store_id = :store_id and id > :after order by id limit :most
""")
_NOT_IN_NEAR_BLOCKS = text("""
select asked.id from unnest(cast(:ids as uuid[])) as asked(id)
where not exists (
    select from (
        select unnest(entry_ids) as id from audit_blocks
        where store_id = :store_id and last_id between :first and :last
        union all
        select unnest(entry_ids) from (
            select entry_ids from audit_blocks
            where store_id = :store_id and last_id > :last order by last_id limit :near
        ) beyond
    ) held where held.id = asked.id
)
""")
# In one statement, so that what is sealed meanwhile is seen on one side or the other.
_LOOSE = text("""
select asked.id from unnest(cast(:ids as uuid[])) as asked(id)
where not exists (select from unsealed_entries u where u.store_id = :store_id and u.id = asked.id)
  and not exists (
      select from audit_blocks b
      where b.store_id = :store_id and b.last_id >= asked.id and b.first_id <= asked.id and asked.id = any(b.entry_ids))
  and (not :in_log or exists (select from audit_entries e where e.store_id = :store_id and e.id = asked.id))
order by asked.id
""")
_WAITING_FOR_NOTHING = text("""
select u.id from unsealed_entries u
where u.store_id = :store_id
  and not exists (select from audit_entries e where e.store_id = :store_id and e.id = u.id)
order by u.id
""")


def blocks_after(session: Session, number: int, *, most: int) -> list[Block]:
    """Return the next blocks of the tenant's chain, in order. One statement."""
    values = {"store_id": tenancy.require_store(session), "after": number, "most": most}
    return [_block(row) for row in session.execute(_BLOCKS_AFTER, values).mappings()]


def block_hashes(session: Session, numbers: Sequence[int]) -> dict[int, bytes]:
    """Return the hashes of these blocks, as far as they are there. One statement."""
    if not numbers:
        return {}
    values = {"store_id": tenancy.require_store(session), "numbers": list(numbers)}
    return {row.number: bytes(row.hash) for row in session.execute(_HASHES, values)}


def block_holding(session: Session, entry_id: UUID) -> Block | None:
    """Return the block that seals an entry; None while it waits. One statement."""
    row = session.execute(_HOLDING, {"store_id": tenancy.require_store(session), "id": entry_id}).mappings().first()
    return None if row is None else _block(row)


def entry_ids_after(session: Session, entry_id: UUID, *, most: int) -> list[UUID]:
    """Return the next entries' ids, in order. One statement."""
    values = {"store_id": tenancy.require_store(session), "after": entry_id, "most": most}
    return list(session.scalars(_ENTRY_IDS, values))


def held_by_no_block(session: Session, entry_ids: Sequence[UUID], *, in_log: bool) -> list[UUID]:
    """Return those of these ids, which are in order, that no block holds and that wait for none.

    `in_log`: of entries that are gone by now, nothing is said. One statement where all is well, or two.
    """
    if not entry_ids:
        return []
    values: dict[str, Any] = {"store_id": tenancy.require_store(session)}
    near = {"ids": list(entry_ids), "first": entry_ids[0], "last": entry_ids[-1], "near": _NEAR}
    suspects = list(session.scalars(_NOT_IN_NEAR_BLOCKS, values | near))
    if not suspects:
        return []
    return list(session.scalars(_LOOSE, values | {"ids": suspects, "in_log": in_log}))


def waiting_without_entry(session: Session) -> list[UUID]:
    """Return what waits for the sealer though there is no entry of that id. One statement."""
    return list(session.scalars(_WAITING_FOR_NOTHING, {"store_id": tenancy.require_store(session)}))


def _block(row: RowMapping) -> Block:
    header = Header(
        store_id=row["store_id"],
        number=row["number"],
        previous_hash=bytes(row["previous_hash"]),
        root=bytes(row["root"]),
        row_count=row["row_count"],
        first_id=row["first_id"],
        last_id=row["last_id"],
        sealed_at=row["sealed_at"],
        key_version=row["key_version"],
    )
    return Block(header, tuple(row["entry_ids"]), bytes(row["entry_hashes"]), bytes(row["hash"]), bytes(row["mac"]))
