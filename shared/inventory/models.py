"""Stock levels, the history of their adjustments, and reservations."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.tenancy import Base, StoreOwned


class AdjustmentKind(StrEnum):
    """Why what is on hand changed."""

    SALE = "sale"
    RETURN = "return"
    MANUAL = "manual"
    CORRECTION = "correction"
    INITIAL = "initial"
    IMPORT = "import"


class StockLevel(StoreOwned, Base):
    """How much of one variant is on the shelf, and how much of that is promised to checkouts.

    `reserved` is the sum of the variant's reservations, and `on_hand` that of its adjustments: reconciliation says when
    they are not. Negative where backorders are allowed: units owed. One row a variant, 120 bytes; each sale writes it.
    """

    __tablename__ = "stock_levels"
    __table_args__ = (
        UniqueConstraint("store_id", "variant_id"),
        ForeignKeyConstraint(["store_id", "variant_id"], ["variants.store_id", "variants.id"], ondelete="CASCADE"),
        CheckConstraint("reserved >= 0", name="reserved_is_not_negative"),
        CheckConstraint("safety_stock >= 0", name="safety_stock_is_not_negative"),
        CheckConstraint("low_stock_threshold >= 0", name="threshold_is_not_negative"),
        CheckConstraint("allow_backorder or on_hand >= 0", name="on_hand_is_not_negative"),
        CheckConstraint("allow_backorder or reserved <= on_hand", name="reserved_is_on_hand"),
        Index("stock_levels_low", "store_id", "id", postgresql_where=text("on_hand <= low_stock_threshold")),
        {"postgresql_with": {"fillfactor": 70}},  # room on each page, so that a sale's update touches no index
    )

    variant_id: Mapped[UUID]
    on_hand: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    reserved: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    safety_stock: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # units never sold to shoppers
    allow_backorder: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    low_stock_threshold: Mapped[int | None]  # at or below it on hand is low; NULL: nobody wants to know
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class InventoryAdjustment(StoreOwned, Base):
    """One change of what is on hand, by whom, why, and what was there after it; append-only.

    `level_version` orders a variant's adjustments: ids are made before the lock is had. Grows with every line sold, 200
    bytes a row; partitioned by month of its id. No foreign key: history outlives a purged variant.
    """

    __tablename__ = "inventory_adjustments"
    __table_args__ = (
        CheckConstraint(
            "kind in ('sale', 'return', 'manual', 'correction', 'initial', 'import')",
            name="kind_is_known",
        ),
        CheckConstraint("delta <> 0", name="delta_changes_something"),
        Index("inventory_adjustments_by_variant", "store_id", "variant_id", "id"),
        Index(
            "inventory_adjustments_by_order",
            "store_id",
            "order_id",
            postgresql_where=text("order_id is not null"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    variant_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(Text)
    delta: Mapped[int]
    on_hand: Mapped[int]  # after the change
    level_version: Mapped[int]  # the level's, after the change
    reason: Mapped[str] = mapped_column(server_default="")
    order_id: Mapped[UUID | None]
    actor_kind: Mapped[str]
    actor_id: Mapped[str | None]
    correlation_id: Mapped[str]
    at: Mapped[datetime]


class StockReservation(StoreOwned, Base):
    """Units of one variant that are promised to a holder (a checkout) until a moment; past it they do not count.

    Lives for minutes: as many rows as there are open checkouts' lines.
    """

    __tablename__ = "stock_reservations"
    __table_args__ = (
        UniqueConstraint("store_id", "holder_id", "variant_id"),
        ForeignKeyConstraint(
            ["store_id", "variant_id"],
            ["stock_levels.store_id", "stock_levels.variant_id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("quantity > 0", name="quantity_is_positive"),
        Index("stock_reservations_by_variant", "store_id", "variant_id", "expires_at"),
        Index("stock_reservations_by_expiry", "expires_at", "store_id"),
    )

    holder_id: Mapped[UUID]
    variant_id: Mapped[UUID]
    quantity: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
