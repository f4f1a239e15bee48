"""A checkout as it stands in its row, and the one way to read it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts import documents as carts
from shared.carts.goods import Item
from shared.checkout.models import PERSONAL
from shared.checkout.states import CheckoutState
from shared.core import clock, encryption, phones, tenancy
from shared.core.errors import NotFound, Problem
from shared.orders.contacts import Personal
from shared.pricing.cart import PricedCart
from shared.stores.queries import StoreFacts

COLUMNS = (
    "id, cart_id, cart_contents, state, items, priced, store_facts, personal, locale, holds_until, order_id, version, "
    "created_at"
)

_READ = text(f"""
select {COLUMNS} from checkouts where store_id = :store_id and id = :checkout_id and owner_digest = :digest
""")  # noqa: S608 -- a constant of this module, not a caller's text


class CheckoutClosed(Problem):
    """The checkout was completed or canceled, and nothing can be done with it any more."""

    status = 409
    code = "checkout_closed"
    title = "Checkout closed"


@dataclass(frozen=True, slots=True)
class CheckoutDocument:
    """A checkout at one version."""

    id: UUID
    cart_id: UUID
    cart_contents: int
    state: CheckoutState
    items: tuple[Item, ...]
    priced: PricedCart
    store: StoreFacts  # as it was when the checkout was priced
    personal: Personal | None  # None: erased
    locale: str
    holds_until: datetime
    order_id: UUID | None
    version: int
    created_at: datetime

    @property
    def holds(self) -> bool:
        """Tell whether its price and its stock are promised at this moment."""
        return self.state is CheckoutState.OPEN and clock.now() < self.holds_until


def read(session: Session, checkout_id: UUID, token: str | None) -> CheckoutDocument:
    """Return the guest's checkout, in whatever state it is. One statement, by primary key.

    Raises:
        NotFound: there is none of that id, or the cart's token is another's.
    """
    values = {
        "store_id": tenancy.require_store(session),
        "checkout_id": checkout_id,
        "digest": owner(token),
    }
    row = tenancy.run(session, _READ, values).one_or_none()
    if row is None:
        raise no_such_checkout()
    return of(session, row)


def owner(token: str | None) -> bytes:
    """Return what a checkout's row holds of its cart's token.

    Raises:
        NotFound: there is no token, or one that no cart can have.
    """
    try:
        return carts.owner(token)
    except NotFound:
        raise no_such_checkout() from None


def of(session: Session, row: Any) -> CheckoutDocument:  # noqa: ANN401 -- a row's class is its statement's
    """Return the document of a row with `COLUMNS`."""
    return CheckoutDocument(
        id=row.id,
        cart_id=row.cart_id,
        cart_contents=row.cart_contents,
        state=CheckoutState(row.state),
        items=_items().validate_python(row.items),
        priced=PricedCart.from_json(row.priced),
        store=_store().validate_python(row.store_facts),
        personal=opened(tenancy.require_store(session), row.personal),
        locale=row.locale,
        holds_until=row.holds_until,
        order_id=row.order_id,
        version=row.version,
        created_at=row.created_at,
    )


def sealed(store_id: UUID, personal: Personal) -> bytes:
    """Return personal data as its column holds it."""
    return encryption.encrypt(store_id, PERSONAL, personal.model_dump_json(exclude_none=True).encode())


def opened(store_id: UUID, stored: bytes | None) -> Personal | None:
    """Return personal data from its column; None where it was erased."""
    if stored is None:
        return None
    return Personal.model_validate_json(encryption.decrypt(store_id, PERSONAL, stored), context=phones.AS_STORED)


def terms(items: tuple[Item, ...], priced: PricedCart, store: StoreFacts) -> dict[str, str]:
    """Return the columns that say what was priced, how, and by which terms."""
    return {
        "items": _items().dump_json(items).decode(),
        "priced": priced.as_text(),
        "store_facts": _store().dump_json(store).decode(),
    }


def no_such_checkout() -> NotFound:
    """Return the refusal that does not tell a wrong token from a wrong id."""
    return NotFound("There is no such checkout, or the X-Cart-Token is not its cart's.")


@lru_cache(maxsize=1)
def _items() -> TypeAdapter[tuple[Item, ...]]:
    return TypeAdapter(tuple[Item, ...])


@lru_cache(maxsize=1)
def _store() -> TypeAdapter[StoreFacts]:
    return TypeAdapter(StoreFacts)
