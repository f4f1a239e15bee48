"""What comes in and goes out about products and variants."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StrictBool, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from shared.catalog.models import Product, ProductStatus, Variant
from shared.core.money import Money
from shared.core.schemas import Schema
from shared.core.typeids import ProductId, VariantId

MAX_VARIANTS = 250  # of one product: ten sizes in twenty-five colours

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100),
    Field(description="The product's address in the shop; made of the title if absent.", examples=["tea-mug"]),
]
Description = Annotated[str, StringConstraints(max_length=50_000)]
SKU = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    Field(description="The store's own name of the variant, unique in the store.", examples=["MUG-RED"]),
]
Options = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    Field(description="What tells the variant from its siblings; empty where there is one.", examples=["Red / L"]),
]
Amount = Annotated[
    int,
    Field(strict=True, ge=0, le=10**12, description="Minor units of the store's currency.", examples=[129900]),
]
Position = Annotated[int, Field(strict=True, ge=1, le=10_000)]


def require_above(compare_at: int | None, price: int) -> None:
    """Refuse a price before that was no higher: shoppers are promised a saving by it."""
    if compare_at is not None and compare_at <= price:
        kind = "compare_at_not_above_price"
        raise PydanticCustomError(kind, "compare_at is what it cost before: it must be above the price.")


class NewVariant(Schema):
    """A variant to be made. `compare_at`: what it cost before, shown struck through."""

    sku: SKU
    title: Options = ""
    price: Amount
    compare_at: Amount | None = None
    taxable: StrictBool = True
    requires_shipping: StrictBool = True
    tracks_stock: StrictBool = True
    position: Position | None = None

    @model_validator(mode="after")
    def _compare_at_is_above_the_price(self) -> Self:
        require_above(self.compare_at, self.price)
        return self


class NewProduct[V: NewVariant](Schema):
    """A product to be made, with its variants; a draft, unless its status says otherwise."""

    title: Title
    slug: Slug | None = None
    description: Description = ""
    status: ProductStatus = ProductStatus.DRAFT
    variants: list[V] = Field(min_length=1, max_length=MAX_VARIANTS)

    @field_validator("variants")
    @classmethod
    def _skus_differ(cls, variants: list[V]) -> list[V]:
        doubled = sorted(sku for sku, times in Counter(variant.sku for variant in variants).items() if times > 1)
        if doubled:
            kind = "sku_given_twice"
            raise PydanticCustomError(kind, "Given twice: {skus}.", {"skus": ", ".join(doubled)})
        return variants


class EditProduct(Schema):
    """What to change of a product; what is absent stays."""

    title: Title | None = None
    slug: Slug | None = None
    description: Description | None = None
    status: ProductStatus | None = None


class EditVariant(Schema):
    """What to change of a variant; what is absent stays. `compare_at: null` takes it away."""

    sku: SKU | None = None
    title: Options | None = None
    price: Amount | None = None
    compare_at: Amount | None = None
    taxable: StrictBool | None = None
    requires_shipping: StrictBool | None = None
    tracks_stock: StrictBool | None = None
    position: Position | None = None


class VariantOut(Schema):
    """A variant, as its merchant sees it."""

    id: VariantId
    product_id: ProductId
    sku: str
    title: str
    price: Money
    compare_at: Money | None
    taxable: bool
    requires_shipping: bool
    tracks_stock: bool
    position: int
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @classmethod
    def of(cls, variant: Variant) -> Self:
        """Present a variant."""
        return cls(
            id=variant.id,
            product_id=variant.product_id,
            sku=variant.sku,
            title=variant.title,
            price=Money(variant.price, variant.currency),
            compare_at=None if variant.compare_at is None else Money(variant.compare_at, variant.currency),
            taxable=variant.taxable,
            requires_shipping=variant.requires_shipping,
            tracks_stock=variant.tracks_stock,
            position=variant.position,
            version=variant.version,
            created_at=variant.created_at,
            updated_at=variant.updated_at,
            deleted_at=variant.deleted_at,
        )


class ProductOut(Schema):
    """A product with its variants, as its merchant sees it. A change of a variant gives it a new version, too."""

    id: ProductId
    title: str
    slug: str
    description: str
    status: ProductStatus
    variants: list[VariantOut]
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = Field(description="Restorable for 90 days after it.")

    @classmethod
    def of(cls, product: Product) -> Self:
        """Present a product whose variants are loaded."""
        return cls(
            id=product.id,
            title=product.title,
            slug=product.slug,
            description=product.description,
            status=ProductStatus(product.status),
            variants=[VariantOut.of(variant) for variant in product.variants],
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
            deleted_at=product.deleted_at,
        )


class VariantsOut(Schema):
    """The variants of one product, in their order."""

    data: list[VariantOut]
