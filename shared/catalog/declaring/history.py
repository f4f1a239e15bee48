"""What changes of products leave behind: an audit entry and an event for each product and variant that changed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog.declaring.changes import ProductChange, VariantChange
from shared.catalog.declaring.present import Row
from shared.catalog.events import ProductCreated, ProductUpdated, VariantCreated, VariantDeleted, VariantUpdated
from shared.catalog.models import ProductStatus
from shared.core import audit, outbox
from shared.core.money import Money


def tell(session: Session, changes: Sequence[ProductChange]) -> None:
    """Record what sound changes did. No statement of its own; nothing for what did not change."""
    for change in changes:
        if not change.is_sound or not change.changes_something:
            continue
        if change.is_new:
            _tell_created(session, change)
        else:
            _tell_updated(session, change)


def _tell_created(session: Session, change: ProductChange) -> None:
    row = change.row
    product_id = UUID(row["id"])
    audit.record(
        session,
        action="product.created",
        entity="product",
        entity_id=product_id,
        after={"title": row["title"], "slug": row["slug"], "status": row["status"]},
    )
    outbox.record(session, ProductCreated(product_id=product_id, version=1, status=ProductStatus(row["status"])))
    for one in change.variants:
        outbox.record(session, _created(one, product_id))


def _tell_updated(session: Session, change: ProductChange) -> None:
    product_id = UUID(change.row["id"])
    if change.changed:
        audit.record(
            session,
            action="product.updated",
            entity="product",
            entity_id=product_id,
            before={name: before for name, (before, _) in change.changed.items()},
            after={name: after for name, (_, after) in change.changed.items()},
        )
        outbox.record(
            session,
            ProductUpdated(
                product_id=product_id,
                version=change.row["version"] + 1,
                status=ProductStatus(change.row["status"]),
                changed=tuple(change.changed),
            ),
        )
    for gone in change.gone_variants:
        _tell_gone(session, gone, product_id)
    for one in change.variants:
        variant_id = UUID(one.row["id"])
        if one.before is None:
            after = {name: one.row[name] for name in ("sku", "title", "price", "compare_at", "currency")}
            audit.record(session, action="variant.created", entity="variant", entity_id=variant_id, after=after)
            outbox.record(session, _created(one, product_id))
        elif one.changed:
            audit.record(
                session,
                action="variant.updated",
                entity="variant",
                entity_id=variant_id,
                before={name: one.before[name] for name in one.changed},
                after={name: one.row[name] for name in one.changed},
            )
            outbox.record(
                session,
                VariantUpdated(
                    variant_id=variant_id,
                    product_id=product_id,
                    version=one.row["version"] + 1,
                    price=Money(one.row["price"], one.row["currency"]),
                    changed=one.changed,
                ),
            )


def _created(one: VariantChange, product_id: UUID) -> VariantCreated:
    price = Money(one.row["price"], one.row["currency"])
    return VariantCreated(variant_id=UUID(one.row["id"]), product_id=product_id, version=1, price=price)


def _tell_gone(session: Session, row: Row, product_id: UUID) -> None:
    variant_id = UUID(row["id"])
    audit.record(
        session,
        action="variant.deleted",
        entity="variant",
        entity_id=variant_id,
        before={"sku": row["sku"], "deleted": False},
        after={"sku": row["sku"], "deleted": True},
    )
    outbox.record(session, VariantDeleted(variant_id=variant_id, product_id=product_id, version=row["version"] + 1))
