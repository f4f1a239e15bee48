"""The table of carts."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.carts.states import CartState
from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned

MOST_LINES = 100
MOST_OF_A_LINE = 1000


class Cart(StoreOwned, Base):
    """A guest's cart. Its lines stand in the row: a cart is read and written as a whole, and never has many.

    Grows with visits, not with sales: 300 bytes a row and 200 a line. `due_at` is when the ageing looks at it next; it
    is empty once nothing follows, which keeps the index over it as small as the carts that are alive.
    """

    __tablename__ = "carts"
    __tenant_life__: ClassVar = TenantLife(purge=Purge("updated_at", timedelta(days=90)))  # what was bought is an order
    __table_args__ = (
        CheckConstraint("state in ('active', 'abandoned', 'converted', 'expired')", name="state_is_known"),
        CheckConstraint("(state in ('active', 'abandoned')) = (due_at is not null)", name="due_while_open"),
        CheckConstraint(f"jsonb_array_length(lines) <= {MOST_LINES}", name="lines_are_few"),
        CheckConstraint(
            f"not jsonb_path_exists(lines, '$[*] ? (!(@.quantity >= 1 && @.quantity <= {MOST_OF_A_LINE}))')",
            name="quantities_are_in_bounds",
        ),
        Index("carts_by_state", "store_id", "state", "id"),
        Index("carts_due", "due_at", "store_id", postgresql_where=text("due_at is not null")),
        {"postgresql_with": {"fillfactor": 70}},  # room on each page, so that a change of lines stays on it
    )

    token_digest: Mapped[bytes]  # SHA-256 of the secret by which a guest owns the cart
    state: Mapped[CartState] = mapped_column(server_default=text("'active'"))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=text("'[]'"))  # see `documents.CartLine`
    contents_version: Mapped[int] = mapped_column(server_default=text("1"))  # counts changes of the lines alone
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]  # the shopper's last change
    due_at: Mapped[datetime | None]
