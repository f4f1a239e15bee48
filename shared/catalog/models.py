"""Products and their variants."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.core.tenancy import Base, StoreOwned


class ProductStatus(StrEnum):
    """Whether shoppers see a product: only an active one."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


class Product(StoreOwned, Base):
    """What a shopper sees: one page of the shop. A change of a variant is a change of its product, version included.

    Grows with the assortment: a thousand rows a store is usual, a hundred thousand the exception; 500 bytes a row.
    """

    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("title <> ''", name="title_is_not_empty"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_is_speakable"),
        CheckConstraint("status in ('draft', 'active', 'archived')", name="status_is_known"),
        Index("products_by_slug", "store_id", "slug", unique=True, postgresql_where=text("deleted_at is null")),
        Index("products_by_status", "store_id", "status", "id", postgresql_where=text("deleted_at is null")),
        Index("products_by_change", "store_id", "updated_at", "id"),
        Index("products_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
        Index("products_by_birth", "store_id", "created_at", "id"),
        Index("products_by_title", "store_id", "title", "id"),
    )

    title: Mapped[str]
    slug: Mapped[str]  # its address in the shop; unique in the store among what is not deleted
    description: Mapped[str] = mapped_column(server_default="")
    status: Mapped[str] = mapped_column(Text, server_default=ProductStatus.DRAFT)
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]  # restorable for 90 days after it
    variants: Mapped[list["Variant"]] = relationship(
        back_populates="product",
        lazy="raise",
        order_by="(Variant.position, Variant.id)",
        primaryjoin="and_(Product.store_id == Variant.store_id, Product.id == Variant.product_id)",
    )


class Variant(StoreOwned, Base):
    """What a shopper buys: one size and colour, at one price, under one SKU.

    Grows with the assortment: three to five a product; 300 bytes a row. A deleted one keeps the time of its deletion;
    the variants that went with their product have the product's, and come back with it.
    """

    __tablename__ = "variants"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        CheckConstraint("sku <> ''", name="sku_is_not_empty"),
        CheckConstraint("price between 0 and 1000000000000", name="price_is_an_amount"),
        CheckConstraint("compare_at > price and compare_at <= 1000000000000", name="compare_at_is_above_the_price"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        Index("variants_by_sku", "store_id", "sku", unique=True, postgresql_where=text("deleted_at is null")),
        Index("variants_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
        Index("variants_by_product", "store_id", "product_id", "position", "id"),
    )

    product_id: Mapped[UUID]
    sku: Mapped[str]  # unique in the store among what is not deleted
    title: Mapped[str] = mapped_column(server_default="")  # its options: "Red / L"; empty where there is no choice
    price: Mapped[int]  # minor units of `currency`
    compare_at: Mapped[int | None]  # what it cost before, above the price; minor units
    currency: Mapped[str]  # the store's, when the variant was made
    taxable: Mapped[bool] = mapped_column(server_default=text("true"))
    requires_shipping: Mapped[bool] = mapped_column(server_default=text("true"))
    tracks_stock: Mapped[bool] = mapped_column(server_default=text("true"))  # false: sold without counting
    position: Mapped[int] = mapped_column(server_default=text("1"))  # its place among the product's variants
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    product: Mapped[Product] = relationship(
        back_populates="variants",
        lazy="raise",
        primaryjoin="and_(Product.store_id == Variant.store_id, Product.id == Variant.product_id)",
    )
