"""Products, categories, brands and labels over HTTP, for shoppers' browsers. Each route is a Lambda of its own."""

from typing import Annotated

from fastapi import Depends, Query

from shared.core.functions import Api, Cached
from shared.core.paging import InvalidListing
from shared.core.prepared import Prepared
from shared.core.request import StoreSession
from shared.search import asking, browsing, finding, groups, pages, searching, suggestions, surrogates
from shared.search.asking import Asked
from shared.search.finding_schemas import SearchList, Suggestions
from shared.search.schemas import BrandList, CategoryPage, CategoryTree, LabelList, ProductList, ProductPage
from shared.search.searching import Search

api = Api("search", prefix="/api/v1/storefront", audience="storefront")

# The edge is told of what changes in all of them; lists are the ones in which a product may be missing meanwhile.
LISTS = Cached(seconds=3600, stale_while_revalidate=600, tags=surrogates.of_list)
PAGES = Cached(seconds=86_400, stale_while_revalidate=600, tags=surrogates.of_product)
SEARCHES = Cached(seconds=600, stale_while_revalidate=600, tags=surrogates.of_search)
GROUPS = Cached(seconds=86_400, stale_while_revalidate=600, tags=surrogates.of_groups)


@api.get("/products", public="Any shopper may see what is on sale.", raises=(InvalidListing,), cached=LISTS)
def browse_products(asked: Annotated[Asked, Depends(asking.query)], session: StoreSession) -> Prepared[ProductList]:
    """List what is on sale, with prices and whether it can be had now; the newest first.

    By category (with all below it), brand, label, attributes, price and stock; `include=facets` says what else the list
    can be narrowed by, with counts. A second or two behind the store, and what the edge kept some seconds more: the
    checkout decides. The order of `sort=bestselling` alone may be 70 minutes old.
    """
    return browsing.list_products(session, asked)


@api.get(
    "/products/{slug}",
    public="Any shopper may see what is on sale.",
    cached=PAGES,
    moved="The product has another slug now.",
)
def view_product(slug: str, session: StoreSession) -> Prepared[ProductPage]:
    """Read one product that is on sale, by its slug. A slug that it once had is answered 301, with the present one."""
    return pages.view_product(session, slug)


@api.get("/categories", public="Any shopper may see how the shop is arranged.", cached=GROUPS)
def browse_categories(session: StoreSession) -> Prepared[CategoryTree]:
    """Read the whole tree of categories, siblings in their order."""
    return groups.tree(session)


@api.get("/categories/{slug}", public="Any shopper may see how the shop is arranged.", cached=GROUPS)
def view_category(slug: str, session: StoreSession) -> CategoryPage:
    """Read one category by its slug: the way down to it, and what lies right below it."""
    return groups.category(session, slug)


@api.get("/brands", public="Any shopper may see whose makes there are.", cached=GROUPS)
def browse_brands(session: StoreSession) -> BrandList:
    """List all brands, by name."""
    return groups.brands(session)


@api.get("/labels", public="Any shopper may see what badges there are.", cached=GROUPS)
def browse_labels(session: StoreSession) -> LabelList:
    """List all labels, in their order."""
    return groups.labels(session)


@api.get(
    "/search",
    public="Any shopper may see what is on sale.",
    raises=(InvalidListing,),
    cached=SEARCHES,
    uses=("queues",),  # what is searched in vain is counted
)
def search_products(asked: Annotated[Search, Depends(searching.query)], session: StoreSession) -> Prepared[SearchList]:
    """Search what is on sale, in Bengali or English, by words, by how they sound, or by SKU; the best first.

    Takes the filters of the list of products. All words have to stand somewhere; the last may be a beginning. A word
    that nothing bears is taken for the nearest: `did_you_mean`. Ends after some hundreds of products. Among equals what
    is in stock comes first, then what sold more until 20 minutes ago at most.
    """
    return searching.search(session, asked)


@api.get("/search/suggestions", public="Any shopper may see what is on sale.", cached=SEARCHES)
def suggest(
    q: Annotated[str, Query(max_length=finding.LONGEST_TEXT, description="What was typed so far.")],
    session: StoreSession,
    limit: Annotated[int, Query(ge=1, le=suggestions.MOST, description="How many of each kind.")] = 5,
) -> Prepared[Suggestions]:
    """Suggest products, categories and brands for what somebody is typing."""
    return suggestions.suggest(session, q, limit=limit)


handler = api.lambda_handler()
