"""Making and editing products. Only who may publish decides what shoppers see."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from shared.catalog import naming, variants
from shared.catalog.events import ProductCreated, ProductUpdated
from shared.catalog.models import Product, ProductStatus, Variant
from shared.catalog.schemas import EditProduct, NewProduct, NewVariant
from shared.core import audit, clock, ids, outbox
from shared.core.errors import Forbidden, NotFound, StaleVersion
from shared.core.principal import Principal
from shared.stores.queries import present_store

_PUBLISH = "product.publish"


def create[V: NewVariant](session: Session, new: NewProduct[V], *, by: Principal | None) -> Product:
    """Make a product with its variants, priced in the store's currency. `by` None is the system itself.

    Stock is none of its business: see `inventory.openings`, which makes products together with their levels.

    Raises:
        Forbidden: it shall not be a draft, and `by` may not publish.
        SlugTaken, SkuTaken: another product or variant has the name.
    """
    if new.status != ProductStatus.DRAFT:
        _require_publisher(by)
    now = clock.now()
    product = Product(
        id=ids.new_id(),
        title=new.title,
        slug=new.slug or naming.free_slug(session, new.title),
        description=new.description,
        status=new.status,
        version=1,
        created_at=now,
        updated_at=now,
    )
    product.variants = _variants_of(product, new.variants, currency=present_store(session).currency)
    with naming.refusing_taken_names(session, slug=product.slug, skus=[variant.sku for variant in product.variants]):
        session.add(product)
        session.flush()
    audit.record(
        session,
        action="product.created",
        entity="product",
        entity_id=product.id,
        after={"title": product.title, "slug": product.slug, "status": product.status},
    )
    outbox.record(session, ProductCreated(product_id=product.id, version=1, status=ProductStatus(product.status)))
    for variant in product.variants:
        variants.tell_created(session, variant)
    return product


def edit(
    session: Session,
    product_id: UUID,
    wanted: EditProduct,
    *,
    expected_version: int | None,
    by: Principal | None,
) -> Product:
    """Change what `wanted` names. An edit that changes nothing leaves version, history and events as they are.

    Edits of one product, its variants included, come one after the other: the product's row is locked first.

    Raises:
        NotFound: there is no such product, or it was deleted.
        StaleVersion: it has another version than the expected one.
        Forbidden: the status would change, and `by` may not publish.
        SlugTaken: another product has the slug.
    """
    product = locked(session, product_id, expected_version=expected_version)
    fields = wanted.model_dump(exclude_none=True)
    before = {field: getattr(product, field) for field in fields}
    changed = tuple(field for field in fields if fields[field] != before[field])
    if not changed:
        return product
    if "status" in changed:
        _require_publisher(by)
    for field in changed:
        setattr(product, field, fields[field])
    product.version += 1
    product.updated_at = clock.now()
    with naming.refusing_taken_names(session, slug=product.slug):
        session.flush()
    audit.record(
        session,
        action="product.updated",
        entity="product",
        entity_id=product.id,
        before=before,
        after=fields,
    )
    status = ProductStatus(product.status)
    outbox.record(
        session,
        ProductUpdated(product_id=product.id, version=product.version, status=status, changed=changed),
    )
    return product


def locked(session: Session, product_id: UUID, *, expected_version: int | None = None) -> Product:
    """Return a product that is not deleted, locked until the commit, with its variants. Two statements.

    Raises:
        NotFound: there is no such product, or it was deleted.
        StaleVersion: it has another version than the expected one.
    """
    product = session.scalars(
        select(Product)
        .where(Product.id == product_id, Product.deleted_at.is_(None))
        .options(selectinload(Product.variants.and_(Variant.deleted_at.is_(None))))
        .with_for_update(of=Product, key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if product is None:
        detail = "There is no such product."
        raise NotFound(detail)
    if expected_version is not None and product.version != expected_version:
        raise StaleVersion(product.version)
    return product


def _variants_of(product: Product, wanted: Sequence[NewVariant], *, currency: str) -> list[Variant]:
    made = [
        variants.from_schema(one, product_id=product.id, position=one.position or place, currency=currency)
        for place, one in enumerate(wanted, start=1)
    ]
    return sorted(made, key=lambda variant: (variant.position, variant.id))


def _require_publisher(by: Principal | None) -> None:
    if by is not None and not by.may(_PUBLISH):
        detail = f"Only a credential with the permission {_PUBLISH} changes what shoppers see; leave status out."
        raise Forbidden(detail)
