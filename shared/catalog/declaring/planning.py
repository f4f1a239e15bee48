"""From documents to changes: which product each one means, and what of it will be other than it is. No statement.

What speaks against a document stops that one alone. Names that are taken are found here where they can be; the unique
indexes decide what happens at the same moment.
"""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from pydantic_core import PydanticSerializationError

from shared.catalog import attributes, custom_fields, naming
from shared.catalog.attributes import AttributeValue
from shared.catalog.declaring import image_planning, variant_planning
from shared.catalog.declaring.changes import DeclaredTwice, ProductChange, Refused, all_wrong, wrong
from shared.catalog.declaring.present import Present, PresentProduct, Row
from shared.catalog.declaring.settings import Setting
from shared.catalog.documents import ProductDocument
from shared.core import ids
from shared.core.errors import FieldError, NotFound, ValidationFailed

_FIELDS = (  # what a document and a product's row have in common
    "title",
    "slug",
    "description",
    "status",
    "vendor",
    "product_type",
    "tags",
    "seo_title",
    "seo_description",
    "external_id",
)
_NEVER_NULL = ("title", "slug")  # null means: as it is

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # as JSON has it, rather than a backslash that somebody wrote

_NEW: Row = {
    "description": "",
    "status": "draft",
    "vendor": "",
    "product_type": "",
    "tags": [],
    "option_names": [],
    "brand_id": None,
    "seo_title": "",
    "seo_description": "",
    "custom_fields": {},
    "external_id": None,
}


def plan(documents: Sequence[ProductDocument], setting: Setting) -> list[ProductChange]:
    """Return a change for each document, in their order."""
    planned = [ProductChange(index, document) for index, document in enumerate(documents)]
    meant: set[str] = set()
    slugs: dict[str, ProductChange] = {}
    for change in planned:
        try:
            if not is_storable(change.document):
                raise unstorable()
            _match(change, setting)
            if change.before is not None:
                product_id = change.before.row["id"]
                if product_id in meant:
                    detail = "An earlier document of this batch is about the same product; declare it once."
                    raise Refused(DeclaredTwice(detail))  # noqa: TRY301 -- each document is stopped alone, here
                meant.add(product_id)
            _describe(change, setting, slugs)
            _group(change, setting)
            image_planning.plan_images(change, setting)
            variant_planning.plan_variants(change, setting)
        except Refused as refused:
            change.refuse(refused.problem)
    _refuse_taken_slugs(planned, setting.present)
    variant_planning.refuse_taken_names(planned, setting.present)
    return planned


def is_storable(document: ProductDocument) -> bool:
    """Tell whether PostgreSQL has text for all that a document says: it has none for U+0000 and for half characters."""
    try:
        written = document.model_dump_json(exclude_unset=True)
    except PydanticSerializationError:
        return False
    return "\\u0000" not in written or _NUL.search(written) is None


def unstorable() -> Refused:
    """Return the refusal of a document with such text."""
    detail = "Some text holds characters that cannot be stored: U+0000, or half of a character."
    return Refused(ValidationFailed(detail, errors=[FieldError("", "unstorable_text", detail)]))


def _match(change: ProductChange, setting: Setting) -> None:
    document, present = change.document, setting.present
    if setting.only_new:
        return
    if document.id is not None:
        change.before = present.products.get(str(document.id))
        if change.before is None:
            detail = "There is no such product."
            raise Refused(NotFound(detail))
        return
    found = present.by_external_id.get(document.external_id) if document.external_id is not None else None
    if found is None and document.slug is not None:
        found = present.by_slug.get(document.slug)
        known = present.products[found].row["external_id"] if found is not None else None
        if document.external_id is not None and known is not None:
            found = None  # the slug is another one's, who is known by another id
    change.before = present.products[found] if found is not None else None


def _describe(change: ProductChange, setting: Setting, slugs: dict[str, ProductChange]) -> None:
    document = change.document
    given = document.model_fields_set
    if change.before is None:
        if document.title is None:
            raise wrong("missing", "A new product needs a title.", "title")
        change.row = {"id": str(ids.new_id()), "version": 1, **_NEW}
    else:
        change.row = dict(change.before.row)
    for name in _FIELDS:
        if name not in given:
            continue
        value = getattr(document, name)
        if value is not None or name not in _NEVER_NULL:
            _set(change, name, value)
    if change.before is None and document.slug is None:
        _set(change, "slug", _free_slug(document.title or "", setting, slugs))
    slugs.setdefault(change.row["slug"], change)
    _describe_further(change, setting)


def _describe_further(change: ProductChange, setting: Setting) -> None:
    document = change.document
    given = document.model_fields_set
    if "options" in given:
        _set(change, "option_names", document.options, told_as="options")
    if "brand" in given:
        brand_id = setting.present.brands.get(document.brand) if document.brand else None
        if document.brand and brand_id is None:
            raise wrong("unknown_brand", f"There is no brand {document.brand}.", "brand")
        _set(change, "brand_id", brand_id, told_as="brand")
    if "custom_fields" in given:
        kept, errors = custom_fields.checked(setting.product_fields, document.custom_fields)
        if errors:
            raise all_wrong(errors)
        _set(change, "custom_fields", kept)


def _set(change: ProductChange, column: str, value: object, *, told_as: str | None = None) -> None:
    before = change.row.get(column)
    if before != value:
        change.row[column] = value
        change.changed[told_as or column] = (before, value)


def _free_slug(title: str, setting: Setting, slugs: dict[str, ProductChange]) -> str:
    base = naming.slug_of(title)
    return next((one for one in setting.free_slugs.get(base, ()) if one not in slugs), naming.some_slug(base))


def _group(change: ProductChange, setting: Setting) -> None:
    document, before = change.document, change.before or PresentProduct({})
    change.categories, change.labels = before.categories, before.labels
    if "categories" in document.model_fields_set:
        change.categories = _named(document.categories, setting.present.categories, "categories")
        _tell_groups(change, "categories", before.categories, change.categories)
    if "labels" in document.model_fields_set:
        change.labels = _named(document.labels, setting.present.labels, "labels")
        _tell_groups(change, "labels", before.labels, change.labels)
    if "attributes" in document.model_fields_set:
        values, errors = attributes.check_values(setting.attributes, document.attributes)
        if errors:
            raise all_wrong(errors)
        present = [_value(row) for row in before.attributes]
        if set(values) != set(present):
            change.attributes = values
            shown = (attributes.presented(setting.attributes, rows) for rows in (present, values))
            change.changed["attributes"] = (next(shown), next(shown))


def _named(names: Sequence[str], known: Mapping[str, str], field_name: str) -> set[str]:
    for place, name in enumerate(names):
        if name not in known:
            raise wrong("unknown", f"There is no {name}.", field_name, place)
    return {known[name] for name in names}


def _tell_groups(change: ProductChange, name: str, before: set[str], after: set[str]) -> None:
    if before != after:
        change.changed[name] = (sorted(before), sorted(after))


def _value(row: Row) -> AttributeValue:
    number = attributes.read_number(row["number"]) if row["number"] is not None else None
    return AttributeValue(
        attribute_id=UUID(row["attribute_id"]),
        choice_id=UUID(row["choice_id"]) if row["choice_id"] else None,
        number=number,
        flag=row["flag"],
        words=row["words"],
    )


def _refuse_taken_slugs(planned: Sequence[ProductChange], present: Present) -> None:
    """Refuse slugs and external ids that stay another product's, or that two documents want; the later one yields."""
    sound = [change for change in planned if change.is_sound]
    for column, holders, problem in (
        ("slug", present.by_slug, naming.slug_taken),
        ("external_id", present.by_external_id, naming.external_id_taken),
    ):
        moved = {change.row["id"]: change.row[column] for change in sound}
        owners = {name: one for name, one in holders.items() if moved.get(one, name) == name}
        for change in sound:
            name = change.row[column]
            if name is not None and owners.setdefault(name, change.row["id"]) != change.row["id"]:
                change.refuse(problem(name))
