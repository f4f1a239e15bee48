"""What goes out about products and variants, as their merchant sees them."""

from datetime import datetime
from typing import Any, Self

from pydantic import Field

from shared.catalog.fields import WeightUnit
from shared.catalog.models import ProductStatus, Variant
from shared.catalog.views import ProductView
from shared.core.money import Money
from shared.core.schemas import Schema
from shared.core.typeids import BrandId, CategoryId, ImageId, LabelId, MediaId, ProductId, VariantId


class VariantOut(Schema):
    """A variant, as its merchant sees it."""

    id: VariantId
    product_id: ProductId
    external_id: str | None
    sku: str
    title: str
    option_values: list[str]
    price: Money
    compare_at: Money | None
    cost: Money | None
    barcode: str
    weight_grams: int | None
    weight_unit: WeightUnit
    taxable: bool
    tax_code: str
    requires_shipping: bool
    tracks_stock: bool
    custom_fields: dict[str, Any]
    image_id: ImageId | None
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
            external_id=variant.external_id,
            sku=variant.sku,
            title=variant.title,
            option_values=variant.option_values,
            price=Money(variant.price, variant.currency),
            compare_at=None if variant.compare_at is None else Money(variant.compare_at, variant.currency),
            cost=None if variant.cost is None else Money(variant.cost, variant.currency),
            barcode=variant.barcode,
            weight_grams=variant.weight_grams,
            weight_unit=variant.weight_unit,  # type: ignore[arg-type]  # one of them, by its CHECK
            taxable=variant.taxable,
            tax_code=variant.tax_code,
            requires_shipping=variant.requires_shipping,
            tracks_stock=variant.tracks_stock,
            custom_fields=variant.custom_fields,
            image_id=variant.image_id,
            position=variant.position,
            version=variant.version,
            created_at=variant.created_at,
            updated_at=variant.updated_at,
            deleted_at=variant.deleted_at,
        )


class ImageOut(Schema):
    """A picture of a product, at its place."""

    id: ImageId
    media_id: MediaId
    position: int
    alt: str


class ProductOut(Schema):
    """A product with its variants, as its merchant sees it. A change of a variant gives it a new version, too."""

    id: ProductId
    external_id: str | None
    title: str
    slug: str
    description: str
    status: ProductStatus
    vendor: str
    product_type: str
    tags: list[str]
    seo_title: str
    seo_description: str
    brand_id: BrandId | None
    category_ids: list[CategoryId]
    label_ids: list[LabelId]
    attributes: dict[str, Any] = Field(description="Values by the attribute's code; choices by slug, numbers as text.")
    custom_fields: dict[str, Any]
    options: list[str]
    images: list[ImageOut]
    variants: list[VariantOut] = Field(description="In a list of products, the first 50 of each.")
    variant_count: int
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = Field(description="Restorable for 90 days after it.")

    @classmethod
    def of(cls, view: ProductView) -> Self:
        """Present a product with all that hangs on it."""
        product, ties = view.product, view.ties
        return cls(
            id=product.id,
            external_id=product.external_id,
            title=product.title,
            slug=product.slug,
            description=product.description,
            status=ProductStatus(product.status),
            vendor=product.vendor,
            product_type=product.product_type,
            tags=product.tags,
            seo_title=product.seo_title,
            seo_description=product.seo_description,
            brand_id=product.brand_id,
            category_ids=ties.category_ids,
            label_ids=ties.label_ids,
            attributes=ties.attributes,
            custom_fields=product.custom_fields,
            options=product.option_names,
            images=[ImageOut(**image) for image in ties.images],
            variants=[VariantOut.of(variant) for variant in view.variants],
            variant_count=view.variant_count,
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
            deleted_at=product.deleted_at,
        )


class VariantsOut(Schema):
    """The variants of one product, in their order."""

    data: list[VariantOut]
