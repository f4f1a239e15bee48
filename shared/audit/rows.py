"""Entries as rows, as they were hashed: what a verifier, an archive and a proof read.

Encrypted columns stay as they are stored: whoever verifies needs no key of the store's, and an archive holds none of
its personal data in clear.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from shared.core import audit, tenancy

_COLUMNS = """store_id, id, at, actor_kind, actor_id, action, entity, entity_id, before, after, severity,
              correlation_id, request_id, encode(ip, 'hex') as ip, user_agent, row_hash"""

_BY_ID = text(f"""
select {_COLUMNS} from audit_entries
where store_id = :store_id and id between :first and :last and id = any(cast(:ids as uuid[]))
""")  # noqa: S608 -- the columns are a constant of ours
_AFTER = text(f"""
select {_COLUMNS} from audit_entries
where store_id = :store_id and id > :after and id < :ending order by id limit :most
""")  # noqa: S608 -- as above

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

type Entry = Mapping[str, Any]  # every column as JSON has it, `row_hash` included


def by_id(session: Session, entry_ids: Sequence[UUID]) -> dict[UUID, Entry]:
    """Return the entries of these ids that are there. One statement."""
    if not entry_ids:
        return {}
    values = {
        "store_id": tenancy.require_store(session),
        "ids": list(entry_ids),
        "first": min(entry_ids),  # so that months which hold none of them are not looked into
        "last": max(entry_ids),
    }
    return {row["id"]: told(row) for row in session.execute(_BY_ID, values).mappings()}


def of_month(session: Session, month: date, *, after: UUID | None, most: int) -> list[Entry]:
    """Return up to `most` entries of a month whose ids follow `after`, in order. One statement."""
    first, ending = bounds(month)
    values = {
        "store_id": tenancy.require_store(session),
        "after": UUID(int=first.int - 1) if after is None else after,
        "ending": ending,
        "most": most,
    }
    return [told(row) for row in session.execute(_AFTER, values).mappings()]


def told(row: RowMapping) -> Entry:
    """Return a row as JSON has it."""
    return {name: _plain(value) for name, value in row.items()}


def hash_of(entry: Entry) -> bytes:
    """Return the hash that an entry's content has, whatever it says of itself."""
    return audit.row_hash(entry)


def bounds(month: date) -> tuple[UUID, UUID]:
    """Return the lowest id of a month and that of the next, as its partition has them."""
    return _beginning(month), _beginning(following(month))


def following(month: date, months: int = 1) -> date:
    """Return the first day of the month that comes so many after it."""
    years, rest = divmod(month.month - 1 + months, 12)
    return date(month.year + years, rest + 1, 1)


def month_of(entry_id: UUID) -> date:
    """Return the first day of the month in which an entry was made, by its id."""
    made = moment_of(entry_id)
    return date(made.year, made.month, 1)


def moment_of(entry_id: UUID) -> datetime:
    """Return the millisecond in which an entry was made, by its id."""
    return _EPOCH + timedelta(milliseconds=entry_id.int >> 80)


def _beginning(month: date) -> UUID:
    milliseconds = (datetime(month.year, month.month, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80)


def _plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a column holds
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return value
