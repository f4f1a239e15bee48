"""What comes in about single products and variants, as merchants make and edit them."""

from typing import Self

from pydantic import Field, StrictBool, model_validator

from shared.catalog import fields
from shared.catalog.documents import ImageDocument, Picture, VariantFacts
from shared.catalog.fields import (
    SKU,
    Amount,
    Attributes,
    Barcode,
    CustomFields,
    Description,
    ExternalID,
    Facts,
    Names,
    OptionNames,
    OptionValues,
    Position,
    SEODescription,
    SEOTitle,
    Slug,
    Tags,
    TaxCode,
    Title,
    VariantTitle,
    Weight,
    WeightUnit,
)
from shared.catalog.models import ProductStatus
from shared.core.schemas import Input


class NewVariant(VariantFacts):
    """A variant to be made. `compare_at`: what it cost before, shown struck through."""

    price: Amount

    @model_validator(mode="after")
    def _compare_at_is_above_the_price(self) -> Self:
        fields.require_above(self.compare_at, self.price)
        return self


class EditProduct(Input):
    """What to change of a product; what is absent stays. A list that is present is meant whole.

    `brand: null` and `external_id: null` take them away.
    """

    external_id: ExternalID | None = None
    title: Title | None = None
    slug: Slug | None = None
    description: Description | None = None
    status: ProductStatus | None = None
    vendor: Facts | None = None
    product_type: Facts | None = None
    tags: Tags | None = None
    seo_title: SEOTitle | None = None
    seo_description: SEODescription | None = None
    brand: Facts | None = Field(default=None, description="Its id or slug; null: none.")
    categories: Names | None = Field(default=None, description="Their ids or slugs, all of them.")
    labels: Names | None = Field(default=None, description="Their ids or slugs, all of them.")
    attributes: Attributes | None = None
    custom_fields: CustomFields | None = None
    options: OptionNames | None = Field(default=None, description="New names for them: as many as there are.")


class EditVariant(Input):
    """What to change of a variant; what is absent stays.

    `null` takes away what may be missing: compare_at, cost, weight_grams, image, external_id.
    """

    external_id: ExternalID | None = None
    sku: SKU | None = None
    title: VariantTitle | None = None
    option_values: OptionValues | None = None
    price: Amount | None = None
    compare_at: Amount | None = None
    cost: Amount | None = None
    barcode: Barcode | None = None
    weight_grams: Weight | None = None
    weight_unit: WeightUnit | None = None
    taxable: StrictBool | None = None
    tax_code: TaxCode | None = None
    requires_shipping: StrictBool | None = None
    tracks_stock: StrictBool | None = None
    custom_fields: CustomFields | None = None
    position: Position | None = None
    image: Picture | None = Field(default=None, description="One of the product's pictures.")


class ImagesOf(Input):
    """The pictures of a product, in their order: all of them."""

    images: list[ImageDocument] = Field(max_length=fields.MAX_IMAGES)
