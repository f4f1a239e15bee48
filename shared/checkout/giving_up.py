"""A shopper gives a checkout up, and what it had reserved can be sold again."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.checkout import documents
from shared.checkout.documents import CheckoutClosed, CheckoutDocument
from shared.checkout.events import CheckoutCanceled
from shared.checkout.states import CheckoutState
from shared.core import audit, clock, outbox, tenancy
from shared.inventory import reservations

# Found by its key, as in `completion`.
_CANCEL = text(f"""
update checkouts set state = 'canceled', version = version + 1, updated_at = :now
where store_id = :store_id and id = :checkout_id and owner_digest = :digest and state = cast(:open as text)
  and (store_id, id) >= (cast(:store_id as uuid), cast(:checkout_id as uuid))
returning {documents.COLUMNS}
""")  # noqa: S608 -- a constant of `documents`, not a caller's text


def cancel(session: Session, checkout_id: UUID, token: str | None) -> CheckoutDocument:
    """Cancel the guest's checkout and release its stock; one that is canceled already is returned as it is.

    The cart stays, and another checkout can be started from it.

    Raises:
        NotFound: there is no such checkout, or the cart's token is another's.
        CheckoutClosed: it became an order.
    """
    values = {
        "store_id": tenancy.require_store(session),
        "checkout_id": checkout_id,
        "digest": documents.owner(token),
        "open": CheckoutState.OPEN.value,
        "now": clock.now(),
    }
    row = session.execute(_CANCEL, values).one_or_none()
    if row is None:
        return _canceled_before(documents.read(session, checkout_id, token))
    checkout = documents.of(session, row)
    reservations.release(session, checkout.id)
    audit.record(
        session,
        action="checkout.canceled",
        entity="checkout",
        entity_id=checkout.id,
        before={"state": CheckoutState.OPEN.value},
        after={"state": checkout.state.value},
    )
    outbox.record(
        session, CheckoutCanceled(checkout_id=checkout.id, cart_id=checkout.cart_id, version=checkout.version)
    )
    return checkout


def _canceled_before(checkout: CheckoutDocument) -> CheckoutDocument:
    if checkout.state is CheckoutState.CANCELED:
        return checkout
    detail = "This checkout became an order; ask the shop to cancel that."
    raise CheckoutClosed(detail, state=checkout.state.value)
