"""Products and variants over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.catalog import deletion, listing, products, queries, variants
from shared.catalog.deletion import LastVariant
from shared.catalog.listing import PRODUCTS
from shared.catalog.naming import SkuTaken, SlugTaken
from shared.catalog.schemas import EditProduct, EditVariant, ProductOut, VariantOut, VariantsOut
from shared.catalog.variants import TooManyVariants
from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import Caller, ExpectedVersion, StoreSession
from shared.core.typeids import ProductId, VariantId
from shared.inventory import openings
from shared.inventory.schemas import NewStockedProduct, NewStockedVariant

api = Api("catalog", prefix="/api/v1", audience="merchant")


@api.get("/products", permission="product.read", raises=(InvalidListing,))
def list_products(query: Annotated[ListQuery, Depends(PRODUCTS.query)], session: StoreSession) -> Page[ProductOut]:
    """List products with their variants, drafts included, the newest first.

    Deleted ones are listed only when asked for: `deleted_at[null]=false`.
    """
    found, page, total = listing.list_products(session, query)
    return Page[ProductOut](data=[ProductOut.of(product) for product in found], page=page, total=total)


@api.post("/products", status_code=201, permission="product.write", raises=(SlugTaken, SkuTaken))
def create_product(product: NewStockedProduct, session: StoreSession, caller: Caller) -> ProductOut:
    """Make a product with its variants, and say what of them is on the shelf.

    Publishing it at once needs product.publish; saying what is on the shelf needs inventory.adjust.
    """
    return ProductOut.of(openings.create_product(session, product, by=caller))


@api.get("/products/{product_id}", permission="product.read")
def get_product(product_id: ProductId, session: StoreSession) -> ProductOut:
    """Read one product with its variants."""
    return ProductOut.of(queries.get_product(session, product_id))


@api.patch("/products/{product_id}", permission="product.write", raises=(StaleVersion, SlugTaken))
def edit_product(
    product_id: ProductId,
    edit: EditProduct,
    session: StoreSession,
    caller: Caller,
    expected_version: ExpectedVersion,
) -> ProductOut:
    """Change a product; what is absent stays. Changing its status needs product.publish."""
    edited = products.edit(session, product_id, edit, expected_version=expected_version, by=caller)
    return ProductOut.of(edited)


@api.delete("/products/{product_id}", permission="product.write", raises=(StaleVersion,))
def delete_product(product_id: ProductId, session: StoreSession, expected_version: ExpectedVersion) -> ProductOut:
    """Delete a product with its variants. It can be restored for 90 days."""
    return ProductOut.of(deletion.delete_product(session, product_id, expected_version=expected_version))


@api.post("/products/{product_id}/restore", permission="product.write", raises=(SlugTaken, SkuTaken))
def restore_product(product_id: ProductId, session: StoreSession) -> ProductOut:
    """Bring a deleted product back, with the variants that went with it and the status that it had."""
    return ProductOut.of(deletion.restore_product(session, product_id))


@api.get("/products/{product_id}/variants", permission="product.read")
def list_variants(product_id: ProductId, session: StoreSession) -> VariantsOut:
    """List the variants of a product, in their order."""
    product = queries.get_product(session, product_id)
    return VariantsOut(data=[VariantOut.of(variant) for variant in product.variants])


@api.post(
    "/products/{product_id}/variants",
    status_code=201,
    permission="product.write",
    raises=(SkuTaken, TooManyVariants),
)
def add_variant(
    product_id: ProductId,
    variant: NewStockedVariant,
    session: StoreSession,
    caller: Caller,
) -> VariantOut:
    """Add a variant to a product. Saying what of it is on the shelf needs inventory.adjust."""
    return VariantOut.of(openings.add_variant(session, product_id, variant, by=caller))


@api.get("/variants/{variant_id}", permission="product.read")
def get_variant(variant_id: VariantId, session: StoreSession) -> VariantOut:
    """Read one variant."""
    return VariantOut.of(queries.get_variant(session, variant_id))


@api.patch("/variants/{variant_id}", permission="product.write", raises=(StaleVersion, SkuTaken))
def edit_variant(
    variant_id: VariantId,
    edit: EditVariant,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> VariantOut:
    """Change a variant; what is absent stays. Open carts are told of a new price; orders keep theirs."""
    return VariantOut.of(variants.edit(session, variant_id, edit, expected_version=expected_version))


@api.delete("/variants/{variant_id}", permission="product.write", raises=(StaleVersion, LastVariant))
def delete_variant(variant_id: VariantId, session: StoreSession, expected_version: ExpectedVersion) -> VariantOut:
    """Delete a variant, unless it is the product's only one. It can be restored for 90 days."""
    return VariantOut.of(deletion.delete_variant(session, variant_id, expected_version=expected_version))


@api.post("/variants/{variant_id}/restore", permission="product.write", raises=(SkuTaken, TooManyVariants))
def restore_variant(variant_id: VariantId, session: StoreSession) -> VariantOut:
    """Bring a deleted variant back."""
    return VariantOut.of(deletion.restore_variant(session, variant_id))


handler = api.lambda_handler()
