"""What shoppers get: cards in lists, pages of products, facets, categories. The JSON itself is made by `documents`."""

from datetime import datetime
from typing import Any

from pydantic import Field

from shared.core.money import Money
from shared.core.paging import Page
from shared.core.schemas import Schema
from shared.core.typeids import BrandId, CategoryId, ImageId, LabelId, ProductId, VariantId


class PictureSource(Schema):
    """The sizes of an image in one format, as an HTML `<source>` has them."""

    type: str = Field(examples=["image/avif"])
    srcset: str = Field(description="Addresses with their widths. They are immutable, so they may be kept for good.")


class ShownImage(Schema):
    """A picture of a product, in all its sizes and formats."""

    id: ImageId
    alt: str
    url: str = Field(description="For who reads no `sources`.")
    width: int | None = Field(description="Pixels of the original.")
    height: int | None
    sources: list[PictureSource]


class ShownBrand(Schema):
    """Whose make it is."""

    id: BrandId
    name: str
    slug: str


class ShownLabel(Schema):
    """A badge."""

    id: LabelId
    name: str
    slug: str
    color: str = Field(description="#rrggbb, or empty.")


class ShownCategory(Schema):
    """A shelf that a product stands on."""

    id: CategoryId
    name: str
    slug: str


class CardVariant(Schema):
    """A variant, as a list shows it."""

    id: VariantId
    sku: str
    title: str
    price: Money
    compare_at: Money | None
    in_stock: bool


class ShownCustomField(Schema):
    """A field of the merchant's own."""

    key: str
    name: str
    value: Any


class PageVariant(CardVariant):
    """A variant, as its product's page shows it."""

    option_values: list[str]
    barcode: str
    weight_grams: int | None
    requires_shipping: bool
    image_id: ImageId | None
    custom_fields: list[ShownCustomField]


class _Product(Schema):
    id: ProductId
    slug: str
    title: str
    brand: ShownBrand | None
    labels: list[ShownLabel]
    price: Money = Field(description="Of its cheapest variant.")
    highest_price: Money
    compare_at: Money | None = Field(description="What the cheapest variant cost before.")
    in_stock: bool = Field(description="Some variant can be bought now.")
    published_at: datetime


class ProductCard(_Product):
    """A product, as a list shows it, with its first ten variants."""

    image: ShownImage | None
    variant_count: int
    variants: list[CardVariant]


class ShownOption(Schema):
    """What variants differ by, with the values that there are."""

    name: str
    values: list[str]


class ShownAttribute(Schema):
    """What a product is compared by."""

    code: str
    name: str
    unit: str
    values: list[str | bool] = Field(description='Choices and texts; a number in decimal digits: "2.5".')


class SEO(Schema):
    """What search engines are told."""

    title: str
    description: str


class ProductPage(_Product):
    """A product, as its own page shows it."""

    description: str = Field(description="HTML, cleaned of whatever could act.")
    vendor: str
    product_type: str
    tags: list[str]
    options: list[ShownOption]
    variants: list[PageVariant]
    images: list[ShownImage]
    categories: list[ShownCategory]
    attributes: list[ShownAttribute]
    custom_fields: list[ShownCustomField]
    seo: SEO


class FacetValue(Schema):
    """One choice of a facet, and how many products it would show."""

    value: str = Field(description="What to filter by: a slug, true or false, or a range.", examples=["red"])
    name: str
    count: int
    selected: bool


class Facet(Schema):
    """What the list can be narrowed by. Counts leave out the facet's own filter, so that another choice can be made."""

    parameter: str = Field(description="The filter's name.", examples=["attribute[color]"])
    name: str
    values: list[FacetValue]


class ProductList(Page[ProductCard]):
    """One page of what is on sale."""

    facets: list[Facet] | None = Field(
        default=None, exclude_if=lambda facets: facets is None, description="Only with `include=facets`."
    )


class CategoryNode(Schema):
    """A category with those below it."""

    id: CategoryId
    name: str
    slug: str
    children: list["CategoryNode"]


class CategoryTree(Schema):
    """All categories, each below its parent."""

    data: list[CategoryNode]


class CategoryPage(Schema):
    """A category, the way down to it, and what lies right below it."""

    id: CategoryId
    name: str
    slug: str
    description: str
    path: list[ShownCategory] = Field(description="From the top down to its parent.")
    children: list[ShownCategory]
    seo: SEO


class BrandList(Schema):
    """All brands, by name."""

    data: list[ShownBrand]


class LabelList(Schema):
    """All labels, in their order."""

    data: list[ShownLabel]


class Rebuilding(Schema):
    """What was asked for is under way."""

    products: int = Field(description="How many products were shown when it began.")
