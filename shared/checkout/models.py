"""The table of checkouts."""

from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.checkout.states import CheckoutState
from shared.core.encryption import EncryptedJSON
from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned

PERSONAL = "checkouts.personal"  # the encrypted column's name, which its values are bound to


class Checkout(StoreOwned, Base):
    """A purchase under way: what it was priced at, who buys, and until when its stock is reserved.

    A cart has one open checkout at most; starting again renews it. Grows with checkouts started: 2 KB a row, and 1 KB a
    line. The blind indexes serve the limits on what one guest may hold.
    """

    __tablename__ = "checkouts"
    __tenant_life__: ClassVar = TenantLife(purge=Purge("updated_at", timedelta(days=90)))
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "cart_id"], ["carts.store_id", "carts.id"], name="checkouts_cart_fkey"),
        CheckConstraint("state in ('open', 'completed', 'canceled')", name="state_is_known"),
        CheckConstraint("(state = 'completed') = (order_id is not null)", name="completed_has_order"),
        Index("checkouts_one_open", "store_id", "cart_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("checkouts_by_cart", "store_id", "cart_id"),
        Index(
            "checkouts_by_contact",
            "store_id",
            "contact_index",
            "holds_until",
            postgresql_where=text("state = 'open'"),
        ),
        Index("checkouts_by_ip", "store_id", "ip_index", "holds_until", postgresql_where=text("state = 'open'")),
        {"postgresql_with": {"fillfactor": 70}},
    )

    cart_id: Mapped[UUID]
    cart_contents: Mapped[int]  # the cart's `contents_version` that was priced
    owner_digest: Mapped[bytes]  # SHA-256 of the cart's token: who owns the cart owns its checkout
    state: Mapped[CheckoutState]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # `carts.goods.Item`, as the catalog had them
    priced: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `pricing.cart.PricedCart`
    store_facts: Mapped[dict[str, Any]] = mapped_column(JSONB)  # `stores.queries.StoreFacts`: its terms
    personal: Mapped[dict[str, Any] | None] = mapped_column(
        EncryptedJSON(PERSONAL)
    )  # `contacts.Personal`; None: erased
    contact_index: Mapped[bytes]  # blind index of the phone, or else of the e-mail address
    ip_index: Mapped[bytes | None]
    locale: Mapped[str]
    holds_until: Mapped[datetime]
    order_id: Mapped[UUID | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
