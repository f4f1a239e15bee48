"""Making everything that shoppers are shown anew, on somebody's word: a backfill.

The event that is recorded sets it going; it goes through the store's products chunk by chunk, each a message that says
where the next one begins, so it survives any worker's death. Shoppers are served meanwhile.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import audit, outbox, tenancy
from shared.search.events import SummariesRebuildRequested
from shared.search.schemas import Rebuilding
from shared.stores import queries as stores

_COUNT = text("select count(*) from product_summaries where store_id = :store_id")


def request(session: Session) -> Rebuilding:
    """Ask for a store's summaries to be made anew."""
    store_id = tenancy.require_store(session)
    shown: int = session.execute(_COUNT, {"store_id": store_id}).scalar_one()
    audit.record(
        session, action="summaries.rebuild_requested", entity="store", entity_id=store_id, after={"shown": shown}
    )
    outbox.record(session, SummariesRebuildRequested(store_id=store_id))
    return Rebuilding(products=shown)


def request_of(session: Session, store_id: UUID) -> Rebuilding:
    """Ask for it from outside any store, as an operator; leaves the session bound to the store.

    Raises:
        NotFound: there is no such store, or it is closed.
    """
    with tenancy.within(session, store_id):
        stores.get_store(session)
        return request(session)
