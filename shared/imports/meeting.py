"""What a file had before: products by their addresses and, where nothing is kept of them, their SKUs.

A row for each, written in the transaction of its batch: so a worker that goes on with a file of any size knows what the
others have met, and keeps none of it in memory.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from shared.catalog import naming
from shared.core import ids, tenancy
from shared.imports.meant import Meant
from shared.imports.models import ImportedProduct

_MEET = text("""
insert into imported_products (store_id, id, job_id, slug, line)
select :store_id, m.id, :job_id, m.slug, m.line
from unnest(cast(:ids as uuid[]), cast(:slugs as text[]), cast(:lines as bigint[])) as m(id, slug, line)
on conflict (store_id, job_id, slug) do nothing
returning slug
""")
_MET = text("""
select slug from imported_products
where store_id = :store_id and job_id = :job_id and slug = any (cast(:names as text[]))
""")


def fresh(session: Session, job_id: UUID, products: Sequence[Meant]) -> list[Meant]:
    """Return the products that the file has not had before; of the others, say so. One statement."""
    named = {one.slug: one for one in reversed(products) if one.handle}
    first = _meet(session, job_id, {slug: one.line for slug, one in named.items()})
    found = []
    for one in products:
        if not one.handle or (named[one.slug] is one and one.slug in first):
            found.append(one)
            continue
        told = "Rows of this product came before. The rows of a product follow each other; these were not taken."
        one.error(one.line, "handle_came_before", told, one.handle[:100])
        one.give_up()
    return found


def refuse_skus_of_others(session: Session, job_id: UUID, products: Sequence[Meant]) -> None:
    """Refuse products with SKUs that products of earlier batches have: for a dry run, which keeps none of those."""
    skus = {sku for one in products for sku in _skus(one)}
    if not skus:
        return
    values = {
        "store_id": tenancy.require_store(session),
        "job_id": job_id,
        "names": [_name(sku) for sku in skus],
    }
    met = set(session.scalars(_MET, values))
    for one in products:
        taken = sorted(sku for sku in _skus(one) if _name(sku) in met)
        if taken:
            one.explain(naming.skus_taken(taken))


def note_skus(session: Session, job_id: UUID, products: Collection[Meant]) -> None:
    """Note the SKUs of products that a dry run would have made or changed."""
    _meet(session, job_id, {_name(sku): one.line for one in products for sku in _skus(one)})


def tidy(session: Session, job_id: UUID) -> None:
    """Forget what an import met, once it came to its end. One statement."""
    session.execute(delete(ImportedProduct).where(ImportedProduct.job_id == job_id))


def _meet(session: Session, job_id: UUID, lines: dict[str, int]) -> set[str]:
    """Note names with their lines; return those that are new."""
    if not lines:
        return set()
    values = {
        "store_id": tenancy.require_store(session),
        "job_id": job_id,
        "ids": [ids.new_id() for _ in lines],
        "slugs": list(lines),
        "lines": list(lines.values()),
    }
    return set(session.scalars(_MEET, values))


def _skus(one: Meant) -> set[str]:
    return set() if one.document is None else {variant.sku for variant in one.document.variants if variant.sku}


def _name(sku: str) -> str:
    return f"sku:{sku}"  # a slug has no colon
