"""The variants that a document wants of its product: which present ones they are, and what of them changes."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from shared.catalog import custom_fields, naming
from shared.catalog.declaring import image_planning
from shared.catalog.declaring.changes import ProductChange, VariantChange, all_wrong, wrong
from shared.catalog.declaring.present import Present, Row
from shared.catalog.declaring.settings import Setting
from shared.catalog.documents import VariantDocument
from shared.catalog.fields import title_of
from shared.core import ids

_FIELDS = (  # what a document and a variant's row have in common
    "external_id",
    "sku",
    "title",
    "option_values",
    "compare_at",
    "price",
    "cost",
    "barcode",
    "weight_grams",
    "weight_unit",
    "taxable",
    "tax_code",
    "requires_shipping",
    "tracks_stock",
)
_NEVER_NULL = ("price",)  # null means: as it is

_NEW: Row = {
    "external_id": None,
    "sku": "",
    "title": "",
    "option_values": [],
    "compare_at": None,
    "price": None,
    "cost": None,
    "barcode": "",
    "weight_grams": None,
    "weight_unit": "g",
    "taxable": True,
    "tax_code": "",
    "requires_shipping": True,
    "tracks_stock": True,
    "custom_fields": {},
    "image_id": None,
}


def plan_variants(change: ProductChange, setting: Setting) -> None:
    """Say which variants the product will have, and what of them changes. Without a list of them all of them stay."""
    document = change.document
    present = change.before.variants if change.before is not None else []
    if "variants" in document.model_fields_set:
        if not document.variants:
            raise wrong("too_short", "A product has at least one variant.", "variants")
        found = _matched(document.variants, present)
        for place, (wanted, before) in enumerate(zip(document.variants, found, strict=True)):
            change.variants.append(_planned(change, wanted, before, place, setting))
        kept = {row["id"] for row in found if row is not None}
        change.gone_variants = [row for row in present if row["id"] not in kept]
        if any(one.image is not None for one in document.variants):
            image_planning.tell(change)
    elif change.is_new:
        raise wrong("missing", "A new product needs at least one variant, with its price.", "variants")
    else:
        change.variants = [VariantChange(dict(row), row, None) for row in present]
    _fit_options(change)
    shown = {row["id"] for row in change.images}
    for variant in change.variants:
        if variant.row["image_id"] is not None and variant.row["image_id"] not in shown:
            variant.row["image_id"] = None
        if variant.before is not None:
            before = variant.before
            variant.changed = tuple(name for name, value in variant.row.items() if before[name] != value)


def refuse_taken_names(planned: Sequence[ProductChange], present: Present) -> None:
    """Refuse SKUs and external ids that stay another variant's, or that two documents want; the later one yields."""
    _refuse_taken(planned, present, "sku", naming.skus_taken)
    _refuse_taken(planned, present, "external_id", naming.external_ids_taken)


def _refuse_taken(
    planned: Sequence[ProductChange],
    present: Present,
    column: str,
    problem: Callable[[list[str]], Any],
) -> None:
    sound = [change for change in planned if change.is_sound]
    leaving = {row["id"] for change in sound for row in change.gone_variants}
    leaving |= {one.row["id"] for change in sound for one in change.variants if column in one.changed}
    owners = {row[column]: row["id"] for row in present.named_variants if row[column] and row["id"] not in leaving}
    for change in sound:
        mine: dict[str, str] = {}
        taken = []
        for one in change.variants:
            name = one.row[column]
            if not name:
                continue
            if name in mine or owners.get(name, one.row["id"]) != one.row["id"]:
                taken.append(name)
            mine[name] = one.row["id"]
        if taken:
            change.refuse(problem(sorted(taken)))
        else:
            owners |= mine


def _matched(wanted: Sequence[VariantDocument], present: Sequence[Row]) -> list[Row | None]:
    """Return the present variant that each document means: by id, external id, SKU, then options; each but once."""
    found: list[Row | None] = [None] * len(wanted)
    ways: tuple[tuple[Callable[[VariantDocument], Hashable], Callable[[Row], Hashable]], ...] = (
        (lambda one: str(one.id) if one.id is not None else None, lambda row: row["id"]),
        (lambda one: one.external_id, lambda row: row["external_id"]),
        (lambda one: one.sku or None, lambda row: row["sku"] or None),
        (_choice_of, lambda row: _choice(row["option_values"], row["title"])),
    )
    left = {row["id"]: row for row in present}
    for of_document, of_row in ways:
        if not left:
            break
        by_key: dict[Hashable, list[Row]] = {}
        for row in left.values():
            by_key.setdefault(of_row(row), []).append(row)
        for place, one in enumerate(wanted):
            key = of_document(one)
            if found[place] is not None or key is None or (one.id is not None and of_document is not ways[0][0]):
                continue
            if by_key.get(key):
                found[place] = by_key[key].pop(0)
                left.pop(found[place]["id"])  # type: ignore[index]  # it was just found
    for place, one in enumerate(wanted):
        if one.id is not None and found[place] is None:
            raise wrong("unknown_variant", "The product has no such variant.", "variants", place, "id")
    return found


def _choice_of(one: VariantDocument) -> Hashable:
    return _choice(one.option_values, one.title)


def _choice(option_values: Sequence[str], title: str) -> Hashable:
    return tuple(option_values) if option_values else (None, title)


def _planned(
    change: ProductChange,
    document: VariantDocument,
    before: Row | None,
    place: int,
    setting: Setting,
) -> VariantChange:
    if before is None:
        if document.price is None:
            raise wrong("missing", "A new variant needs a price.", "variants", place, "price")
        made = {"id": str(ids.new_id()), "product_id": change.row["id"], "version": 1, "currency": setting.currency}
        row = {**made, **_NEW}
    else:
        row = dict(before)
    given = document.model_fields_set
    for name in _FIELDS:
        if name in given:
            value = getattr(document, name)
            if value is not None or name not in _NEVER_NULL:
                row[name] = value
    row["position"] = document.position or place + 1
    if row["compare_at"] is not None and row["compare_at"] <= row["price"]:
        detail = "compare_at is what it cost before: it must be above the price."
        raise wrong("not_above_the_price", detail, "variants", place, "compare_at")
    if "custom_fields" in given:
        at = ("variants", place, "custom_fields")
        row["custom_fields"], errors = custom_fields.checked(setting.variant_fields, document.custom_fields, at=at)
        if errors:
            raise all_wrong(errors)
    if "image" in given:
        picture = document.image
        row["image_id"] = None if picture is None else image_planning.image_of(change, picture, setting, place)
    return VariantChange(row, before, document)


def _fit_options(change: ProductChange) -> None:
    """Hold the variants against the options: a value for each, no two alike; titles follow from the values."""
    names = change.row["option_names"]
    seen: dict[tuple[str, ...], int] = {}
    for place, variant in enumerate(change.variants):
        values = variant.row["option_values"]
        if len(values) != len(names):
            told = f"The product has the options {', '.join(names)}" if names else "The product has no options"
            detail = f"{told}; give each variant one value for each, in their order."
            raise wrong("not_as_the_options", detail, "variants", place, "option_values")
        if not names:
            continue
        key = tuple(values)
        if key in seen:
            detail = f"Two variants are {title_of(values)}; each differs from the others in some option."
            raise wrong("given_twice", detail, "variants", place, "option_values")
        seen[key] = place
        variant.row["title"] = title_of(values)
