"""A product's own page, by its slug; and by a slug that it once had."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.catalog import summarizing
from shared.core import tenancy
from shared.core.errors import NotFound
from shared.core.prepared import Prepared
from shared.search.schemas import ProductPage

# Two may have one slug for the second in which one of them has given it up: the other was made later.
_PAGE = text("""
select page from product_summaries where store_id = :store_id and slug = :slug order by refreshed_at desc limit 1
""")


def view_product(session: Session, slug: str) -> Prepared[ProductPage]:
    """Return a product's page as JSON, or where it is now. One statement; a second one for a slug that nothing has.

    Raises:
        NotFound: nothing that is on sale has or had the slug.
    """
    found = tenancy.read(session, _PAGE, {"store_id": tenancy.require_store(session), "slug": slug})
    if found:
        return Prepared(found[0].page)
    now = summarizing.slug_now(session, slug)
    if now is None or now == slug:
        detail = "There is no such product."
        raise NotFound(detail)
    return Prepared("", location=f"/api/v1/storefront/products/{now}")
