"""Claiming: a guest's orders become those of the customer who has proven their contact.

By the blind index of a contact alone, never by an order's number, which can be guessed.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import audit, clock, emails, encryption, ids, outbox, tenancy
from shared.orders.contacts import EMAIL_INDEX, PHONE_INDEX
from shared.orders.events import OrderClaimed
from shared.orders.numbers import written

MOST = 200  # at once; whoever has more claims again

_CLAIM = text("""
with due as (
    select id from orders
    where store_id = :store_id and customer_id is null
      and (email_index = cast(:email as bytea) or phone_index = cast(:phone as bytea))
    order by id desc limit :most for update skip locked
)
update orders set customer_id = :customer_id, version = version + 1, updated_at = :now
where store_id = :store_id and id in (select id from due) and customer_id is null
returning id, number, version
""")


def claim(session: Session, customer_id: UUID, *, email: str | None, phone: str | None) -> list[UUID]:
    """Give a customer the guests' orders with their proven contact, the newest 200 at once; return them.

    `email` and `phone` are what the customer has proven, the phone in E.164. An order that is somebody's stays theirs;
    one that is being changed at this moment is left for the next time. One statement, by index.
    """
    store_id = tenancy.require_store(session)
    values = {
        "store_id": store_id,
        "customer_id": customer_id,
        "email": encryption.blind_index(store_id, EMAIL_INDEX, emails.for_lookup(email)) if email else None,
        "phone": encryption.blind_index(store_id, PHONE_INDEX, phone) if phone else None,
        "most": MOST,
        "now": clock.now(),
    }
    claimed = sorted(session.execute(_CLAIM, values).all(), key=lambda row: row.number)
    for row in claimed:
        audit.record(
            session,
            action="order.claimed",
            entity="order",
            entity_id=row.id,
            before={"customer_id": None},
            after={"customer_id": ids.encode("cust", customer_id)},
        )
        outbox.record(
            session,
            OrderClaimed(order_id=row.id, number=written(row.number), version=row.version, customer_id=customer_id),
        )
    return [row.id for row in claimed]
