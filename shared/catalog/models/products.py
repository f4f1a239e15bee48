"""Products, their variants and pictures, and the addresses that they once had."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

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
        ForeignKeyConstraint(
            ["store_id", "brand_id"],
            ["brands.store_id", "brands.id"],
            ondelete="SET NULL (brand_id)",
        ),
        Index("products_by_vendor", "store_id", "vendor", "created_at", "id"),
        Index("products_by_type", "store_id", "product_type", "created_at", "id"),
        Index(
            "products_by_likeness",
            "store_id",
            "title",
            postgresql_using="gin",
            postgresql_ops={"title": "gin_trgm_ops"},
        ),
        Index("products_by_tags", "store_id", "tags", postgresql_using="gin"),
        CheckConstraint("cardinality(option_names) <= 3", name="options_are_three_at_most"),
        Index("products_by_brand", "store_id", "brand_id", postgresql_where=text("brand_id is not null")),
        Index(
            "products_by_external_id",
            "store_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null and deleted_at is null"),
        ),
    )

    title: Mapped[str]
    slug: Mapped[str]  # its address in the shop; unique in the store among what is not deleted
    description: Mapped[str] = mapped_column(server_default="")  # HTML as the merchant wrote it; cleaned when shown
    status: Mapped[str] = mapped_column(Text, server_default=ProductStatus.DRAFT)
    vendor: Mapped[str] = mapped_column(default="", server_default="")
    product_type: Mapped[str] = mapped_column(default="", server_default="")
    tags: Mapped[list[str]] = mapped_column(default=list, server_default=text("'{}'"))
    option_names: Mapped[list[str]] = mapped_column(
        default=list, server_default=text("'{}'")
    )  # Size, Colour; 3 at most
    brand_id: Mapped[UUID | None]
    seo_title: Mapped[str] = mapped_column(default="", server_default="")
    seo_description: Mapped[str] = mapped_column(default="", server_default="")
    custom_fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    external_id: Mapped[str | None]  # the merchant's own id of it elsewhere; unique in the store
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]  # restorable for 90 days after it


class Variant(StoreOwned, Base):
    """What a shopper buys: one size and colour, at one price, under one SKU.

    Grows with the assortment: three to five a product; 300 bytes a row. A deleted one keeps the time of its deletion;
    the variants that went with their product have the product's, and come back with it.
    """

    __tablename__ = "variants"
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        CheckConstraint("price between 0 and 1000000000000", name="price_is_an_amount"),
        CheckConstraint("compare_at > price and compare_at <= 1000000000000", name="compare_at_is_above_the_price"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_iso"),
        ForeignKeyConstraint(
            ["store_id", "product_id", "image_id"],
            ["product_images.store_id", "product_images.product_id", "product_images.id"],
            ondelete="SET NULL (image_id)",
        ),
        CheckConstraint("cardinality(option_values) <= 3", name="options_are_three_at_most"),
        CheckConstraint("cost between 0 and 1000000000000", name="cost_is_an_amount"),
        CheckConstraint("weight_grams between 0 and 1000000000", name="weight_is_an_amount"),
        CheckConstraint("weight_unit in ('g', 'kg', 'oz', 'lb')", name="weight_unit_is_known"),
        Index(
            "variants_by_sku",
            "store_id",
            "sku",
            unique=True,
            postgresql_where=text("deleted_at is null and sku <> ''"),
        ),
        Index(
            "variants_by_options",
            "store_id",
            "product_id",
            "option_values",
            unique=True,
            postgresql_where=text("deleted_at is null and option_values <> '{}'"),
        ),
        Index(
            "variants_by_external_id",
            "store_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id is not null and deleted_at is null"),
        ),
        Index("variants_by_image", "store_id", "image_id", postgresql_where=text("image_id is not null")),
        Index("variants_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
        Index(
            "variants_by_likeness",
            "store_id",
            "sku",
            postgresql_using="gin",
            postgresql_ops={"sku": "gin_trgm_ops"},
            postgresql_where=text("deleted_at is null and sku <> ''"),
        ),
        Index("variants_by_product", "store_id", "product_id", "position", "id"),
    )

    product_id: Mapped[UUID]
    sku: Mapped[str]  # unique in the store among what is not deleted; empty where the merchant has none
    title: Mapped[str] = mapped_column(server_default="")  # its options: "Red / L"; empty where there is no choice
    option_values: Mapped[list[str]] = mapped_column(default=list, server_default=text("'{}'"))  # as option_names
    barcode: Mapped[str] = mapped_column(default="", server_default="")
    cost: Mapped[int | None]  # what the merchant pays for it; minor units; never shown to shoppers
    weight_grams: Mapped[int | None]
    weight_unit: Mapped[str] = mapped_column(default="g", server_default="g")  # in which the merchant reads the weight
    tax_code: Mapped[str] = mapped_column(default="", server_default="")
    image_id: Mapped[UUID | None]  # of the product's images
    custom_fields: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    external_id: Mapped[str | None]  # as the product's
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


class FormerSlug(StoreOwned, Base):
    """A slug that a product once had: links to it lead to the product still. A row a renaming.

    A slug that another product takes is no longer a former one.
    """

    __tablename__ = "former_slugs"
    __table_args__ = (
        UniqueConstraint("store_id", "slug"),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_is_speakable"),
        Index("former_slugs_by_product", "store_id", "product_id"),
    )

    slug: Mapped[str]
    product_id: Mapped[UUID]
    retired_at: Mapped[datetime]


class ProductImage(StoreOwned, Base):
    """A picture of a product at its place, with the text for who cannot see it. Up to 250 a product."""

    __tablename__ = "product_images"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "id"),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["store_id", "media_id"], ["media_assets.store_id", "media_assets.id"]),
        Index("product_images_by_product", "store_id", "product_id", "position", "id"),
        Index("product_images_by_media", "store_id", "media_id"),
    )

    product_id: Mapped[UUID]
    media_id: Mapped[UUID]
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    alt: Mapped[str] = mapped_column(default="", server_default="")
