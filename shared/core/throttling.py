"""How often something may be tried: so many times at once, and then one by one.

For what is guessed (passwords, codes) and for what costs (mails, text messages). Each limit is one moment a subject,
"when all of it is free again" (the generic cell rate algorithm), so a try is one upsert and no row is ever counted.
A try is written down in a transaction of its own, on a connection of its own: it counts although the request that it
belongs to is refused and leaves nothing behind. One that was refused does not count, so nobody is kept out for longer
than `within` by somebody else's patience.

The subject (an address, an account) is kept as an HMAC under the tenant's key. Whether it exists is not asked here, so
a refusal tells nothing of it. Rows that hold nobody back any more go when new ones come.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core import clock, database, encryption
from shared.core.errors import TooManyRequests
from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base

_GOING = 4  # rows that go with each try: more than it can add, so that what is over never heaps up


class Throttle(Base):
    """What a subject has used up of a limit. A row a subject that tried something within the limit's time."""

    __tablename__ = "throttles"
    __table_args__ = (Index("throttles_by_end", "store_id", "free_at"),)
    __tenant_life__: ClassVar[TenantLife] = TenantLife(
        exported=False, personal=("key",), purge=Purge("free_at", timedelta(0))
    )

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)  # HMAC of purpose and subject
    free_at: Mapped[datetime]  # when the whole limit is there again


@dataclass(frozen=True)
class Limit:
    """`most` tries at once of one purpose by one subject, and all of them again after `within`."""

    purpose: str
    subject: str
    most: int
    within: timedelta


# A subject's tries lie `every` apart, and `within` is what may lie ahead of the present. In the order of their keys, so
# that two who try the same do not wait for each other in a circle.
_TAKE = text("""
with wanted as (
    select key, every, within from unnest(
        cast(:keys as bytea[]), cast(:every as interval[]), cast(:within as interval[])
    ) as w(key, every, within) order by key
), gone as (
    delete from throttles where (store_id, key) in (
        select store_id, key from throttles
        where store_id = :tenant_id and free_at < :now and key not in (select key from wanted)
        order by free_at limit :going for update skip locked
    )
), taken as (
    insert into throttles as t (store_id, key, free_at)
    select :tenant_id, key, cast(:now as timestamptz) + every from wanted
    on conflict (store_id, key) do update
        set free_at = greatest(t.free_at, :now) + (excluded.free_at - :now)
        where greatest(t.free_at, :now) + (excluded.free_at - :now)
              <= (select cast(:now as timestamptz) + w.within from wanted w where w.key = t.key)
    returning key
)
select w.key, (select t.free_at from throttles t where t.store_id = :tenant_id and t.key = w.key) as free_at
from wanted w where w.key not in (select key from taken)
""")


def take(tenant_id: UUID, purpose: str, subject: str, *, most: int, within: timedelta) -> None:
    """Take one try of a limit. One statement; see `take_each`.

    Raises:
        TooManyRequests: there is none left at present.
    """
    take_each(tenant_id, Limit(purpose, subject, most, within))


def take_each(tenant_id: UUID, *limits: Limit) -> None:
    """Take one try of each limit, in one statement and a transaction of its own.

    `tenant_id`: the store or person that the limits belong to, or the platform where it is not known yet who tries.

    Raises:
        TooManyRequests: one of them has none left; the others have counted this try all the same.
    """
    now = clock.now()
    by_key = {encryption.blind_index(tenant_id, f"throttles.{one.purpose}", one.subject): one for one in limits}
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "now": now,
        "keys": list(by_key),
        "every": [one.within / one.most for one in by_key.values()],
        "within": [one.within for one in by_key.values()],
        "going": _GOING,
    }
    with database.transaction_beside(tenant_id) as session:
        refused = session.execute(_TAKE, values).all()
    if refused:
        waits = [_wait(by_key[bytes(key)], free_at, now) for key, free_at in refused]
        raise _too_many(max(waits))


def _wait(limit: Limit, free_at: datetime | None, now: datetime) -> timedelta:
    """Return how long it takes until one try is free; a row that came after the statement's snapshot was not seen."""
    every = limit.within / limit.most
    return every if free_at is None else free_at + every - limit.within - now


def _too_many(wait: timedelta) -> TooManyRequests:
    seconds = max(1, math.ceil(wait.total_seconds()))
    again = f"{seconds} seconds" if seconds < 120 else f"{math.ceil(seconds / 60)} minutes"  # noqa: PLR2004 -- as people say it
    return TooManyRequests(f"This was tried too often. Try again in {again}.", headers={"Retry-After": str(seconds)})
