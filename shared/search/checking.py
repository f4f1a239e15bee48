"""The nightly check: every summary is compared with what it would be made to now, and set right where it is not.

Events keep summaries current, so in a healthy system this finds nothing. It finds what a lost event, a dead letter or a
hand in the database left behind, and what new code makes otherwise; the event and the log say how much that was.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from aws_lambda_powertools.metrics import MetricUnit
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import ids, outbox, telemetry, tenancy
from shared.search import dictionary, selling, summaries
from shared.search.events import SummariesDrifted
from shared.search.keeping import FIRST

QUEUE = "summary-checks"

# Every column, since a digest only says what a row was made of, and not whether somebody has changed it since.
_DIFFERENT = text("""
with made as (
    select * from jsonb_to_recordset(cast(:rows as jsonb)) as m(
        id uuid, slug text, title text, sort_name text, currency text, price bigint, highest_price bigint,
        in_stock boolean, published_at timestamptz, terms uuid[], categories uuid[], numbers jsonb, words text,
        search text, card text, page text, source text, listed_as text)
), present as (
    select * from product_summaries where store_id = :store_id and id = any (cast(:ids as uuid[]))
)
select coalesce(m.id, p.id) as id,
       case when p.id is null then 'missing' when m.id is null then 'left_over' else 'stale' end as drift
from made m full join present p on p.id = m.id
where p.id is null or m.id is null or (
    m.slug, m.title, m.sort_name, m.currency, m.price, m.highest_price, m.in_stock, m.published_at, m.terms,
    m.categories, m.numbers, m.words, cast(m.search as tsvector), m.card, m.page,
    decode(m.source, 'hex'), decode(m.listed_as, 'hex')
) is distinct from (
    p.slug, p.title, p.sort_name, p.currency, p.price, p.highest_price, p.in_stock, p.published_at, p.terms,
    p.categories, p.numbers, p.words, p.search, p.card, p.page, p.source, p.listed_as)
""")


@dataclass(frozen=True)
class Drift:
    """How many of one chunk were not what they should be."""

    missing: int = 0
    stale: int = 0
    left_over: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.stale + self.left_over


def check(session: Session, after: UUID) -> UUID | None:
    """Check and repair the next chunk of the store; return where the next one begins, None at the end.

    Sales and words are counted anew with the first chunk. A chunk's products are locked against whoever makes their
    summaries, so a change that is under way is no drift.
    """
    if after == FIRST:
        selling.recount(session)
        dictionary.count(session)
    products = summaries.all_after(session, after, summaries.CHUNK)
    _report(session, repair(session, products))
    return products[-1] if len(products) == summaries.CHUNK else None


def repair(session: Session, products: Sequence[UUID]) -> Drift:
    """Set the summaries of these products right; return how they were wrong. Eight statements."""
    if not products:
        return Drift()
    summaries.lock(session, products)
    made = summaries.make(session, products)
    rows = json.dumps([asdict(row) for row in made.values()])
    values = {"store_id": tenancy.require_store(session), "ids": list(products), "rows": rows}
    found = {row.id: row.drift for row in session.execute(_DIFFERENT, values)}
    summaries.replace(session, [made[one] for one in found if one in made], [one for one in found if one not in made])
    kinds = list(found.values())
    return Drift(*(kinds.count(kind) for kind in ("missing", "stale", "left_over")))


def _report(session: Session, drift: Drift) -> None:
    if not drift.total:
        return
    store_id = tenancy.require_store(session)
    telemetry.measure(QUEUE, "DriftedSummaries", drift.total, MetricUnit.Count)
    outbox.record(session, SummariesDrifted(store_id=store_id, **asdict(drift)))
    telemetry.logger().error(
        "Shoppers were not shown what is on sale; it was set right.",
        extra={"store": ids.encode("store", store_id), **asdict(drift)},
    )
