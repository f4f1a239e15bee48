"""Telling the edge what to forget, after what it kept has changed: in three steps, by rows.

The change writes the tags into its own transaction (`outdate`): the edge is told after the commit and never before,
or it would fetch the old state again. A message follows the commit by a second; whoever takes it claims all of the
store's tags, unless the oldest is younger than that second: then its own message is still to come. So a store costs one
request to CloudFront a second at most, however many changes there are. A sweep finds what a crash left behind.

CloudFront takes $0.005 for each tag. More than `MOST_TAGS` at once become one, the store's; and past `TAGS_A_DAY` a
store is told of as a whole, every `PAUSE` at most, so that a merchant whose system writes all day costs $3.25 a day.

Between the change and the edge's forgetting lie the second, the request and CloudFront's own time. An answer that was
on its way from the old state meanwhile is kept as if it were new, until its time is over.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, ids, queues, telemetry, tenancy
from shared.core.settings import settings
from shared.search import surrogates

if TYPE_CHECKING:
    from mypy_boto3_cloudfront import CloudFrontClient

QUEUE = "edge-invalidations"
LOCAL = "local"  # the distribution of a system without an edge: what would be forgotten goes to the log

TOGETHER = timedelta(seconds=1)  # changes within it go in one request
MOST_TAGS = 15  # in one request; a store's whole cache is rebuilt by some hundred requests, 15 tags cost 7 cents
TAGS_A_DAY = 500  # of one store: 2.50 dollars
PAUSE = timedelta(minutes=10)  # between two requests of a store that is past its day's tags
LEASE = timedelta(seconds=60)  # longer than the function that tells the edge lives
SWEPT_AFTER = timedelta(seconds=10)  # younger rows have a message on its way
_ROWS = 5000  # that one claim takes
_CLOCKS = timedelta(milliseconds=200)  # by which two machines' may differ

_OUTDATE = text("""
insert into outdated_tags (store_id, id, tag, since)
select :store_id, id, tag, :now from unnest(cast(:ids as uuid[]), cast(:tags as text[])) as given (id, tag)
""")

# Locks the store's row, so that of two claims one waits and then finds what the other left.
_SPEND = text("""
insert into edge_spending (store_id, day) values (:store_id, :today)
on conflict (store_id) do update set day = excluded.day,
    tags = case when edge_spending.day = excluded.day then edge_spending.tags else 0 end
returning tags, told_at
""")

_CLAIM = text("""
with due as materialized (
    select id, since from outdated_tags
    where store_id = :store_id and (claimed_until is null or claimed_until < :now) order by id limit :rows
), ripe as (
    select 1 from due having min(since) <= :before
), claimed as (
    update outdated_tags o set claimed_until = :until
    from due where exists (select 1 from ripe) and o.store_id = :store_id and o.id = due.id
    returning o.id, o.tag
)
select coalesce(array_agg(id order by id), '{}') as ids, coalesce(array_agg(distinct tag), '{}') as tags from claimed
""")

_COUNT = text("update edge_spending set tags = tags + :count, told_at = :now where store_id = :store_id")

_FORGET = text("delete from outdated_tags where store_id = :store_id and id = any (cast(:ids as uuid[]))")

_GIVE_BACK = text("""
update outdated_tags set claimed_until = null where store_id = :store_id and id = any (cast(:ids as uuid[]))
""")

_STORES = text("select * from lookup.stores_with_outdated_tags(:before, :now, :most)")


@dataclass(frozen=True)
class Claimed:
    """What the edge is to forget of a store, and the rows that say so."""

    store_id: UUID
    rows: tuple[UUID, ...]
    tags: tuple[str, ...]

    @property
    def reference(self) -> str:
        """Return the name of the request: the same claim has the same, and CloudFront carries it out once."""
        told = "\n".join((*map(str, self.rows), *self.tags))
        return hashlib.sha256(told.encode()).hexdigest()


def outdate(session: Session, tags: Iterable[str]) -> None:
    """Have the edge forget what it keeps under these tags, if and once this transaction commits.

    One statement; none where there is no edge. `surrogates` says which tags a change takes back.
    """
    wanted = list(dict.fromkeys(tags))
    if not wanted or settings().edge_distribution is None:
        return
    store_id = tenancy.require_store(session)
    if len(wanted) > MOST_TAGS:
        wanted = [surrogates.store(store_id)]
    values = {"store_id": store_id, "ids": [ids.new_id() for _ in wanted], "tags": wanted, "now": clock.now()}
    session.execute(_OUTDATE, values)
    queues.send_after_commit(session, QUEUE, {"store_id": str(store_id)}, delay=int(TOGETHER.total_seconds()))


def claim(session: Session) -> Claimed | None:
    """Claim what the edge is to forget of the store; None while more may gather, or when there is nothing."""
    store_id, now = tenancy.require_store(session), clock.now()
    spent = session.execute(_SPEND, {"store_id": store_id, "today": now.date()}).one()
    over = spent.tags >= TAGS_A_DAY
    if over and spent.told_at is not None and spent.told_at > now - PAUSE:
        return None  # the sweep comes back to it
    found = session.execute(
        _CLAIM,
        {
            "store_id": store_id,
            "now": now,
            "before": now - TOGETHER + _CLOCKS,
            "until": now + LEASE,
            "rows": _ROWS,
        },
    ).one()
    if not found.ids:
        return None
    whole = surrogates.store(store_id)
    tags = (whole,) if over or len(found.tags) > MOST_TAGS or whole in found.tags else tuple(found.tags)
    session.execute(_COUNT, {"store_id": store_id, "count": len(tags), "now": now})
    return Claimed(store_id, tuple(found.ids), tags)


def send(claimed: Claimed) -> bool:
    """Tell the edge; return whether it took it. What it has too much of at this moment is told again by the sweep."""
    distribution = settings().edge_distribution
    if distribution is None or distribution == LOCAL:
        telemetry.logger().info("the edge would forget", extra={"tags": list(claimed.tags)})
        return True
    client = _client()
    busy = client.exceptions.TooManyInvalidationsInProgress
    try:
        client.create_invalidation(
            DistributionId=distribution,
            InvalidationBatch={
                "Paths": {"Quantity": len(claimed.tags), "Items": [f"#{tag}" for tag in claimed.tags]},
                "CallerReference": claimed.reference,
            },
        )
    except busy:
        telemetry.logger().warning("The edge is busy forgetting; it is told again in a minute.")
        return False
    return True


def settle(session: Session, claimed: Claimed, *, taken: bool) -> None:
    """Forget the rows that the edge took; give the others back."""
    statement = _FORGET if taken else _GIVE_BACK
    session.execute(statement, {"store_id": claimed.store_id, "ids": list(claimed.rows)})


def stores_left_behind(session: Session, most: int) -> list[UUID]:
    """Return up to `most` stores whose tags nobody tells the edge: a message was lost, or its taker died."""
    now = clock.now()
    return list(session.scalars(_STORES, {"before": now - SWEPT_AFTER, "now": now, "most": most}))


@lru_cache(maxsize=1)
def _client() -> "CloudFrontClient":
    import boto3  # noqa: PLC0415 -- 200 ms, paid by the first request to the edge and by nobody else
    from botocore.config import Config  # noqa: PLC0415 -- comes with boto3

    # CloudFront throttles by the account; within these tries it usually lets one through.
    config = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4})
    return boto3.client("cloudfront", config=config)
