"""What merchants define for their products: typed attributes that shoppers filter by, and fields of their own."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.tenancy import Base, StoreOwned


class AttributeKind(StrEnum):
    """What values an attribute has."""

    CHOICE = "choice"  # one of its choices
    CHOICES = "choices"  # several of them
    NUMBER = "number"  # in the attribute's unit
    BOOLEAN = "boolean"
    TEXT = "text"  # shown, never filtered by


class CustomFieldEntity(StrEnum):
    """What a merchant's own fields hang on."""

    PRODUCT = "product"
    VARIANT = "variant"


class CustomFieldKind(StrEnum):
    """What a merchant's own field holds."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    URL = "url"
    CHOICE = "choice"


class Attribute(StoreOwned, Base):
    """What products are compared by: material, screen size. Tens a store."""

    __tablename__ = "attributes"
    __table_args__ = (
        UniqueConstraint("store_id", "code"),
        CheckConstraint("code ~ '^[a-z][a-z0-9_]*$'", name="code_is_speakable"),
        CheckConstraint("name <> ''", name="name_is_not_empty"),
        CheckConstraint("kind in ('choice', 'choices', 'number', 'boolean', 'text')", name="kind_is_known"),
    )

    code: Mapped[str]  # what filters call it
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(default="", server_default="")  # of a number: "cm"
    filterable: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AttributeChoice(StoreOwned, Base):
    """One value that an attribute offers: cotton. Up to some hundreds an attribute."""

    __tablename__ = "attribute_choices"
    __table_args__ = (
        UniqueConstraint("store_id", "attribute_id", "slug"),
        UniqueConstraint("store_id", "attribute_id", "id"),
        ForeignKeyConstraint(
            ["store_id", "attribute_id"],
            ["attributes.store_id", "attributes.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("name <> ''", name="name_is_not_empty"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_is_speakable"),
    )

    attribute_id: Mapped[UUID]
    name: Mapped[str]
    slug: Mapped[str]
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))


class ProductAttribute(StoreOwned, Base):
    """One value that a product has in an attribute. Some rows a product, one more for each of several choices."""

    __tablename__ = "product_attributes"
    __table_args__ = (
        UniqueConstraint(
            "store_id",
            "product_id",
            "attribute_id",
            "choice_id",
            name="product_attributes_once",
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(["store_id", "product_id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["store_id", "attribute_id"],
            ["attributes.store_id", "attributes.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["store_id", "attribute_id", "choice_id"],
            ["attribute_choices.store_id", "attribute_choices.attribute_id", "attribute_choices.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("num_nonnulls(choice_id, number, flag, words) = 1", name="has_one_value"),
        Index("product_attributes_by_attribute", "store_id", "attribute_id", "choice_id"),
    )

    product_id: Mapped[UUID]
    attribute_id: Mapped[UUID]
    choice_id: Mapped[UUID | None]
    number: Mapped[Decimal | None] = mapped_column(Numeric(20, 6))
    flag: Mapped[bool | None]
    words: Mapped[str | None]


class CustomFieldDefinition(StoreOwned, Base):
    """A field that a merchant added to products or variants; values live in their `custom_fields`. Tens a store."""

    __tablename__ = "custom_field_definitions"
    __table_args__ = (
        UniqueConstraint("store_id", "entity", "key"),
        CheckConstraint("entity in ('product', 'variant')", name="entity_is_known"),
        CheckConstraint("key ~ '^[a-z][a-z0-9_]*$'", name="key_is_speakable"),
        CheckConstraint(
            "kind in ('text', 'integer', 'decimal', 'boolean', 'date', 'url', 'choice')",
            name="kind_is_known",
        ),
    )

    entity: Mapped[str] = mapped_column(Text)
    key: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(Text)
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))  # minimum, choices, ...
    required: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    shown_to_shoppers: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    position: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
