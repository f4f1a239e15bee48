"""What secret tokens are used for: counted in the process, and written a few times an hour.

A request that was carried out counts once; one that was refused does not, whatever it was refused for. Each process
writes at once where nobody has written of the token for five minutes, and else every five minutes what it has counted
since, to the day on which it writes: a row a token and day. A request that writes tells it with its commit, any other
writes it in a transaction behind its own. A process that ends takes what it counted since its last writing with it,
five minutes at most; so the counts are a floor, and nothing to charge by.
"""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import context, encryption, tenancy

EVERY = timedelta(minutes=5)
_COUNTED = 4096  # tokens of a process

_lock = threading.Lock()  # locally, a process serves several requests at once


@dataclass
class _Tally:
    written_at: datetime
    uses: int = 0


_tallies: dict[UUID, _Tally] = {}

_WRITE = text("""
with used as (
    update credentials set last_used_at = :now
    where store_id = :store_id and id = :id and (last_used_at is null or last_used_at < :now)
)
insert into token_uses as t (store_id, credential_id, day, requests, last_route, last_address, last_used_at)
values (:store_id, :id, :day, :uses, :route, :address, :now)
on conflict (store_id, credential_id, day) do update
    set requests = t.requests + excluded.requests, last_route = excluded.last_route,
        last_address = excluded.last_address, last_used_at = excluded.last_used_at
""")


def count(credential_id: UUID, *, now: datetime, at_once: bool) -> int:
    """Count a use; return how many are to be written now, mostly none. `at_once`: nobody wrote any for a while."""
    with _lock:
        tally = _tallies.get(credential_id)
        if tally is None:
            if len(_tallies) >= _COUNTED:
                _tallies.clear()
            tally = _tallies[credential_id] = _Tally(now)
        tally.uses += 1
        if not at_once and timedelta(0) <= now - tally.written_at < EVERY:
            return 0
        uses, tally.uses, tally.written_at = tally.uses, 0, now
        return uses


def write(session: Session, credential_id: UUID, uses: int, *, store_id: UUID, now: datetime) -> None:
    """Write what was counted, and that the token is in use. One statement; the session is bound to the store."""
    tenancy.run(session, _WRITE, _values(credential_id, uses, store_id=store_id, now=now))


def tell(session: Session, credential_id: UUID, uses: int, *, store_id: UUID, now: datetime) -> None:
    """Write the same along with the session's commit."""
    tenancy.tell(session, _WRITE, _values(credential_id, uses, store_id=store_id, now=now))


def _values(credential_id: UUID, uses: int, *, store_id: UUID, now: datetime) -> dict[str, Any]:
    present = context.current()
    address = encryption.encrypt(store_id, "token_uses.last_address", present.ip.encode()) if present.ip else None
    return {
        "store_id": store_id,
        "id": credential_id,
        "day": now.date(),
        "uses": uses,
        "route": present.function or "",
        "address": address,
        "now": now,
    }
