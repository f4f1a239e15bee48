"""The fields that products and variants consist of: what fits each, and what is said of it to integrators."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

MAX_VARIANTS = 2000  # of one product
MAX_OPTIONS = 3
MAX_IMAGES = 250  # of one product
MAX_TAGS = 250
MAX_GROUPS = 100  # categories, or labels, of one product
_MAX_FIELDS = 100  # attributes, or custom fields, of one product


def _each_once(words: list[str]) -> list[str]:
    """Keep the first of words that differ in nothing but case, and drop empty ones."""
    kept: dict[str, str] = {}
    for word in words:
        if word:
            kept.setdefault(word.casefold(), word)
    return list(kept.values())


def _differ(words: list[str]) -> list[str]:
    if len({word.casefold() for word in words}) < len(words):
        kind = "given_twice"
        raise PydanticCustomError(kind, "Each is to be named once.")
    return words


Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=255),
    Field(description="The product's address in the shop; made of the title if absent.", examples=["tea-mug"]),
]
Description = Annotated[
    str,
    StringConstraints(max_length=100_000),
    Field(description="HTML; what could harm shoppers is taken out when it is shown."),
]
Facts = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
SEOTitle = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=255),
    Field(description="The page's title for search engines; the product's if empty."),
]
SEODescription = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=1000),
    Field(description="What search engines show below the title."),
]
Tag = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Tags = Annotated[
    list[Tag],
    Field(max_length=MAX_TAGS, description="All of them; case does not tell two apart.", examples=[["tea", "gift"]]),
    AfterValidator(_each_once),
]
Names = Annotated[list[Annotated[str, StringConstraints(max_length=255)]], Field(max_length=MAX_GROUPS)]
Attributes = Annotated[
    dict[str, Any],
    Field(max_length=_MAX_FIELDS, description="Values by the attribute's code; a choice by its slug."),
]
CustomFields = Annotated[
    dict[str, Any],
    Field(max_length=_MAX_FIELDS, description="Values of the store's own fields, by key."),
]
ExternalID = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=255),
    Field(description="Your own id of it elsewhere; unique in the store."),
]

OptionName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
OptionNames = Annotated[
    list[OptionName],
    Field(max_length=MAX_OPTIONS, description="What variants differ in.", examples=[["Colour", "Size"]]),
    AfterValidator(_differ),
]
OptionValue = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
OptionValues = Annotated[
    list[OptionValue],
    Field(max_length=MAX_OPTIONS, description="One for each of the product's options.", examples=[["Red", "L"]]),
]
SKU = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=255),
    Field(description="The store's own name of the variant, unique in it; empty: it has none.", examples=["MUG-RED"]),
]
VariantTitle = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=255),
    Field(description="Follows from the option values where the product has options.", examples=["Red / L"]),
]
Amount = Annotated[
    int,
    Field(strict=True, ge=0, le=10**12, description="Minor units of the store's currency.", examples=[129900]),
]
Barcode = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
TaxCode = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Weight = Annotated[int, Field(strict=True, ge=0, le=10**9, description="Grams.")]
WeightUnit = Annotated[Literal["g", "kg", "oz", "lb"], Field(description="In which its merchant reads the weight.")]
Position = Annotated[int, Field(strict=True, ge=1, le=10_000)]
AltText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=1000),
    Field(description="What the picture shows, for who cannot see it."),
]
RemoteAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^https?://[^\s/]+\S*$"),
    Field(description="Where it is fetched from, once; the same address is the same picture."),
]


def require_above(compare_at: int | None, price: int | None) -> None:
    """Refuse a price before that was no higher: shoppers are promised a saving by it."""
    if compare_at is not None and price is not None and compare_at <= price:
        kind = "compare_at_not_above_price"
        raise PydanticCustomError(kind, "compare_at is what it cost before: it must be above the price.")


def refuse_doubled_skus(skus: Iterable[str]) -> None:
    """Refuse SKUs that are given twice; empty ones are none."""
    seen: set[str] = set()
    doubled = sorted({sku for sku in skus if sku and (sku in seen or seen.add(sku))})  # type: ignore[func-returns-value]  # None: not seen before
    if doubled:
        kind = "sku_given_twice"
        raise PydanticCustomError(kind, "Given twice: {skus}.", {"skus": ", ".join(doubled)})


def title_of(option_values: Iterable[str]) -> str:
    """Return the title of a variant with these option values: "Red / L"."""
    return " / ".join(option_values)
