"""A whole product as somebody wants it to be: what an import, a batch or a declaring merchant hands over.

A field that is absent stays as it is, or takes its default where the product or variant is new. A field that is present
is meant whole: a list of variants, pictures, tags or categories is all of them, and what it leaves out goes. So one
document, declared twice, changes nothing the second time.
"""

from typing import Self

from pydantic import Field, StrictBool, field_validator, model_validator
from pydantic_core import PydanticCustomError

from shared.catalog import fields
from shared.catalog.fields import (
    SKU,
    AltText,
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
    RemoteAddress,
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
from shared.core.typeids import MediaId, ProductId, VariantId


class Picture(Input):
    """Which picture: one that is here already, by its media id, or one to be fetched from an address."""

    media_id: MediaId | None = None
    url: RemoteAddress | None = None

    @model_validator(mode="after")
    def _is_one_picture(self) -> Self:
        if (self.media_id is None) == (self.url is None):
            kind = "media_or_address"
            raise PydanticCustomError(kind, "Say which picture: either media_id or url.")
        return self


class ImageDocument(Picture):
    """A picture of a product, at its place in the list."""

    alt: AltText = ""


class VariantFacts(Input):
    """What is said of a variant, whether it is new or there already."""

    external_id: ExternalID | None = None
    sku: SKU = ""
    title: VariantTitle = ""
    option_values: OptionValues = Field(default_factory=list)
    compare_at: Amount | None = Field(default=None, description="What it cost before, shown struck through.")
    cost: Amount | None = Field(default=None, description="What the merchant pays for it; shoppers never see it.")
    barcode: Barcode = ""
    weight_grams: Weight | None = None
    weight_unit: WeightUnit = "g"
    taxable: StrictBool = True
    tax_code: TaxCode = ""
    requires_shipping: StrictBool = True
    tracks_stock: StrictBool = True
    custom_fields: CustomFields = Field(default_factory=dict)
    position: Position | None = Field(default=None, description="Its place; as in the list if absent.")
    image: Picture | None = Field(
        default=None, description="One of the product's pictures; another is added as its last."
    )


class VariantDocument(VariantFacts):
    """A variant as it shall be.

    It is the present variant of this id, else of this external id, else of this SKU, else of these option values (of
    this title, where there are no options); if there is none of these, it is new, and needs a price.
    """

    id: VariantId | None = None
    price: Amount | None = None

    @model_validator(mode="after")
    def _compare_at_is_above_the_price(self) -> Self:
        fields.require_above(self.compare_at, self.price)
        return self


class ProductFacts(Input):
    """What is said of a product, whether it is new or there already."""

    external_id: ExternalID | None = None
    slug: Slug | None = None
    description: Description = ""
    status: ProductStatus = ProductStatus.DRAFT
    vendor: Facts = ""
    product_type: Facts = ""
    tags: Tags = Field(default_factory=list)
    seo_title: SEOTitle = ""
    seo_description: SEODescription = ""
    brand: Facts | None = Field(default=None, description="Its id or slug; null: none.")
    categories: Names = Field(default_factory=list, description="Their ids or slugs.")
    labels: Names = Field(default_factory=list, description="Their ids or slugs.")
    attributes: Attributes = Field(default_factory=dict)
    custom_fields: CustomFields = Field(default_factory=dict)
    options: OptionNames = Field(default_factory=list)
    images: list[ImageDocument] = Field(default_factory=list, max_length=fields.MAX_IMAGES)


class ProductDocument(ProductFacts):
    """A product as it shall be, whole or in part.

    It is the present product of this id, else of this external id, else of this slug; if there is none of these, it is
    new, and needs a title and a variant.
    """

    id: ProductId | None = None
    title: Title | None = None
    variants: list[VariantDocument] = Field(default_factory=list, max_length=fields.MAX_VARIANTS)

    @field_validator("variants")
    @classmethod
    def _skus_differ(cls, variants: list[VariantDocument]) -> list[VariantDocument]:
        fields.refuse_doubled_skus(variant.sku for variant in variants)
        return variants
