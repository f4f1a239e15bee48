"""What groups products: brands, the tree of categories, labels."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.tenancy import Base, StoreOwned

_SPEAKABLE = "slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'"


class Brand(StoreOwned, Base):
    """Whose make a product is, with a page of its own. Tens to thousands a store."""

    __tablename__ = "brands"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "media_id"],
            ["media_assets.store_id", "media_assets.id"],
            ondelete="SET NULL (media_id)",
        ),
        CheckConstraint("name <> ''", name="name_is_not_empty"),
        CheckConstraint(_SPEAKABLE, name="slug_is_speakable"),
        Index("brands_by_slug", "store_id", "slug", unique=True, postgresql_where=text("deleted_at is null")),
        Index("brands_by_name", "store_id", "name", "id"),
        Index("brands_by_media", "store_id", "media_id", postgresql_where=text("media_id is not null")),
        Index("brands_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    media_id: Mapped[UUID | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Category(StoreOwned, Base):
    """A shelf of the shop. Knows its parent alone, so moving a subtree changes one row. Up to 10,000 and more a store.

    Who moves one locks the moved row and the new parent's chain of ancestors, so that no two moves make a circle.
    """

    __tablename__ = "categories"
    __table_args__ = (
        ForeignKeyConstraint(
            ["store_id", "parent_id"],
            ["categories.store_id", "categories.id"],
            ondelete="SET NULL (parent_id)",
        ),
        ForeignKeyConstraint(
            ["store_id", "media_id"],
            ["media_assets.store_id", "media_assets.id"],
            ondelete="SET NULL (media_id)",
        ),
        CheckConstraint("name <> ''", name="name_is_not_empty"),
        CheckConstraint(_SPEAKABLE, name="slug_is_speakable"),
        CheckConstraint("parent_id <> id", name="parent_is_another"),
        Index("categories_by_slug", "store_id", "slug", unique=True, postgresql_where=text("deleted_at is null")),
        Index("categories_by_parent", "store_id", "parent_id", "position", "id"),
        Index("categories_by_media", "store_id", "media_id", postgresql_where=text("media_id is not null")),
        Index("categories_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    parent_id: Mapped[UUID | None]
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    seo_title: Mapped[str] = mapped_column(default="", server_default="")
    seo_description: Mapped[str] = mapped_column(default="", server_default="")
    media_id: Mapped[UUID | None]
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))  # among its siblings
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]


class Label(StoreOwned, Base):
    """A badge on products: NEW, SALE, HOT. A handful a store."""

    __tablename__ = "labels"
    __table_args__ = (
        UniqueConstraint("store_id", "slug"),
        CheckConstraint("name <> ''", name="name_is_not_empty"),
        CheckConstraint(_SPEAKABLE, name="slug_is_speakable"),
        CheckConstraint("color = '' or color ~ '^#[0-9a-f]{6}$'", name="color_is_rgb"),
    )

    name: Mapped[str]
    slug: Mapped[str]
    color: Mapped[str] = mapped_column(default="", server_default="")  # #rrggbb, or empty
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ProductCategory(StoreOwned, Base):
    """A product on a shelf; it may stand on several. One to three rows a product."""

    __tablename__ = "product_categories"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "category_id"),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["store_id", "category_id"],
            ["categories.store_id", "categories.id"],
            ondelete="CASCADE",
        ),
        Index("product_categories_by_category", "store_id", "category_id", "product_id"),
    )

    product_id: Mapped[UUID]
    category_id: Mapped[UUID]


class ProductLabel(StoreOwned, Base):
    """A product with a badge. A row or none a product."""

    __tablename__ = "product_labels"
    __table_args__ = (
        UniqueConstraint("store_id", "product_id", "label_id"),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["store_id", "label_id"], ["labels.store_id", "labels.id"], ondelete="CASCADE"),
        Index("product_labels_by_label", "store_id", "label_id", "product_id"),
    )

    product_id: Mapped[UUID]
    label_id: Mapped[UUID]
