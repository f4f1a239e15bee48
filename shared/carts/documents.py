"""A cart as it stands in its row, and the one way to read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.carts.events import CartUpdated
from shared.carts.states import OPEN, CartState
from shared.core import credentials, tenancy
from shared.core.errors import NotFound, Problem

TOKEN = "ct"  # noqa: S105 -- the prefix of guests' cart tokens, not a secret

COLUMNS = "id, state, lines, contents_version, version, created_at, updated_at, due_at"

_READ = text(f"""
select {COLUMNS} from carts where store_id = :store_id and id = :cart_id and token_digest = :digest
""")  # noqa: S608 -- a constant of this module, not a caller's text


class CartClosed(Problem):
    """The cart became an order, or was left alone for too long; a new one is needed."""

    status = 409
    code = "cart_closed"
    title = "Cart closed"


@dataclass(frozen=True, slots=True)
class CartLine:
    """What is wanted of one variant. `price` is what one unit cost when it was added, in the store's currency."""

    id: UUID
    variant_id: UUID
    sku: str
    quantity: int
    price: int

    def as_json(self) -> dict[str, Any]:
        """Return the line as it stands in the cart's row."""
        return {
            "id": str(self.id),
            "variant_id": str(self.variant_id),
            "sku": self.sku,
            "quantity": self.quantity,
            "price": self.price,
        }


@dataclass(frozen=True, slots=True)
class CartDocument:
    """A cart at one version."""

    id: UUID
    state: CartState
    lines: tuple[CartLine, ...]
    contents_version: int
    version: int
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Tell whether it can still be filled and bought."""
        return self.state in OPEN

    @property
    def sizes(self) -> dict[str, int]:
        """Return how much is in it, as events and audit entries say it."""
        return {"line_count": len(self.lines), "item_count": sum(line.quantity for line in self.lines)}

    def updated(self) -> CartUpdated:
        """Return the event of its last change."""
        return CartUpdated(cart_id=self.id, version=self.version, **self.sizes)

    def require_open(self) -> None:
        """Refuse to go on with a cart that is over.

        Raises:
            CartClosed: it is an order already, or expired.
        """
        require_open(self.state)


def require_open(state: CartState) -> None:
    """Refuse to go on with a cart that is in a state in which it is over.

    Raises:
        CartClosed: it is an order already, or expired.
    """
    if state not in OPEN:
        became = "became an order" if state is CartState.CONVERTED else "has expired"
        detail = f"This cart {became}; start a new one."
        raise CartClosed(detail, state=state.value)


def owner(token: str | None) -> bytes:
    """Return what a cart's row holds of its guest's token.

    Raises:
        NotFound: there is no token, or one that no cart can have: without it there is no cart, as for another's.
    """
    if token is None or not credentials.is_well_formed(TOKEN, token):
        raise no_such_cart()
    return credentials.digest(token)


def read(session: Session, cart_id: UUID, token: str | None) -> CartDocument:
    """Return the guest's cart, in whatever state it is. One statement, by primary key.

    Raises:
        NotFound: there is none of that id, or the token is another's.
    """
    values = {"store_id": tenancy.require_store(session), "cart_id": cart_id, "digest": owner(token)}
    row = tenancy.run(session, _READ, values).one_or_none()
    if row is None:
        raise no_such_cart()
    return of(row)


def of(row: Any) -> CartDocument:  # noqa: ANN401 -- a row's class is its statement's
    """Return the document of a row with `COLUMNS`."""
    return CartDocument(
        id=row.id,
        state=CartState(row.state),
        lines=tuple(
            CartLine(UUID(line["id"]), UUID(line["variant_id"]), line["sku"], line["quantity"], line["price"])
            for line in row.lines
        ),
        contents_version=row.contents_version,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        due_at=row.due_at,
    )


def no_such_cart() -> NotFound:
    """Return the refusal that does not tell a wrong token from a wrong id."""
    return NotFound("There is no such cart, or the X-Cart-Token is not its own.")
