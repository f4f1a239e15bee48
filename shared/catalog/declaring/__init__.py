"""Declaring whole products, many at once: read and lock what there is, plan what changes, write it, tell of it.

The number of statements does not depend on the number of products: two read, at most thirteen write. Whoever stands
above (stock) puts its own part between the plan and the writing.
"""

from collections.abc import Sequence

from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.orm import Session

from shared.catalog import attributes, custom_fields, naming
from shared.catalog.declaring import history, planning, present, writing
from shared.catalog.declaring.changes import ProductChange
from shared.catalog.declaring.settings import Setting
from shared.catalog.documents import ProductDocument
from shared.catalog.models.definitions import CustomFieldEntity
from shared.core import errors
from shared.core.errors import FieldError, Forbidden, Problem, ValidationFailed
from shared.core.principal import Principal

_PUBLISH = "product.publish"

_UNKNOWN = {  # by what the foreign key's columns are called
    "media_id": ("images", "unknown_media", "A picture was deleted meanwhile."),
    "brand_id": ("brand", "unknown_brand", "The brand was deleted meanwhile."),
    "category_id": ("categories", "unknown_category", "A category was deleted meanwhile."),
    "label_id": ("labels", "unknown_label", "A label was deleted meanwhile."),
    "attribute_id": ("attributes", "unknown_attribute", "An attribute or choice was deleted meanwhile."),
}


def hold(session: Session, documents: Sequence[ProductDocument]) -> None:
    """Lock the products that documents mean, in the order of their ids. One statement."""
    present.hold(session, [one for one in documents if planning.is_storable(one)])


def plan(
    session: Session,
    documents: Sequence[ProductDocument],
    *,
    currency: str,
    by: Principal | None,
    only_new: bool = False,
) -> list[ProductChange]:
    """Lock the products that documents mean, and return what each document comes to. Nothing is written yet.

    Two statements, and one more for each of: definitions of attributes, of custom fields of products and of variants,
    slugs of new titles, and pictures, where documents name any. `only_new`: every document makes a product, and who
    has its name already is in its way.
    """
    asked, documents = documents, [one for one in documents if planning.is_storable(one)]
    new_titles = [one.title for one in documents if one.slug is None and one.id is None and one.title is not None]
    free_slugs = naming.free_slugs(session, new_titles) if new_titles else {}
    there = present.read(session, documents, present.hold(session, documents))
    if any(row["product_id"] not in there.products for row in there.named_variants):
        # Another product's indeed, or one was made between the two looks: the second time tells.
        there = present.read(session, documents, present.hold(session, documents))
    variants = [variant for one in documents for variant in one.variants]
    setting = Setting(
        present=there,
        media=_fetched(session, present.addresses(documents)),
        usable_media=_usable(session, documents),
        currency=currency,
        attributes=attributes.held_definitions(session)
        if any("attributes" in one.model_fields_set for one in documents)
        else {},
        product_fields=custom_fields.held_definitions(session, CustomFieldEntity.PRODUCT)
        if any("custom_fields" in one.model_fields_set for one in documents)
        else {},
        variant_fields=custom_fields.held_definitions(session, CustomFieldEntity.VARIANT)
        if any("custom_fields" in one.model_fields_set for one in variants)
        else {},
        free_slugs=free_slugs,
        only_new=only_new,
    )
    changes = planning.plan(asked, setting)
    for change in changes:
        if change.is_sound and not _may_publish(change, by):
            detail = f"Only a credential with the permission {_PUBLISH} changes what shoppers see; leave status out."
            change.refuse(Forbidden(detail))
    return changes


def write(session: Session, changes: Sequence[ProductChange]) -> None:
    """Write what is sound of a plan, and record its history.

    Raises:
        IntegrityError: something was taken, or went, at this very moment; `problem_of` says what.
    """
    writing.write(session, changes)
    history.tell(session, changes)


def problem_of(refused: DBAPIError, change: ProductChange) -> Problem | None:
    """Say what it means that the database refused the one change that was written; None: it is a bug."""
    told = refused.orig.args[0] if refused.orig is not None and refused.orig.args else None
    name = str(told.get("n", "")) if isinstance(told, dict) else ""
    if isinstance(refused, DataError):
        return planning.unstorable().problem
    taken = _taken(name, change)
    if taken is not None or not name.endswith("_fkey"):
        return taken
    for column, (field, code, detail) in _UNKNOWN.items():
        if column in name:
            return ValidationFailed(detail, errors=[FieldError(errors.pointer(field), code, detail)])
    return None


def _taken(index: str, change: ProductChange) -> Problem | None:
    match index:
        case "products_by_slug":
            return naming.slug_taken(change.row["slug"])
        case "products_by_external_id":
            return naming.external_id_taken(change.row["external_id"])
        case "variants_by_sku":
            return naming.skus_taken(sorted(one.row["sku"] for one in change.variants if one.row["sku"]))
        case "variants_by_external_id":
            named = [one.row["external_id"] for one in change.variants if one.row["external_id"]]
            return naming.external_ids_taken(sorted(named))
        case _:
            return None


def _usable(session: Session, documents: Sequence[ProductDocument]) -> set[str]:
    named = {picture.media_id for picture in present.pictures(documents) if picture.media_id is not None}
    if not named:
        return set()
    from shared.media import usable  # noqa: PLC0415 -- only who names pictures pays for what knows them

    return {str(media_id) for media_id in usable.usable(session, named)}


def _fetched(session: Session, addresses: Sequence[str]) -> dict[str, str]:
    if not addresses:
        return {}
    from shared.media import remote  # noqa: PLC0415 -- as above

    return {url: str(media_id) for url, media_id in remote.request_fetches(session, addresses).items()}


def _may_publish(change: ProductChange, by: Principal | None) -> bool:
    publishes = change.row["status"] != "draft" if change.is_new else "status" in change.changed
    return not publishes or by is None or by.may(_PUBLISH)
