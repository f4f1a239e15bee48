"""Products and variants over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.catalog import deletion, listing, products, variants, views
from shared.catalog.deletion import LastVariant
from shared.catalog.listing import PRODUCTS
from shared.catalog.naming import ExternalIDTaken, SkuTaken, SlugTaken
from shared.catalog.presentation import ProductOut, VariantOut, VariantsOut
from shared.catalog.schemas import EditProduct, EditVariant, ImagesOf
from shared.catalog.variants import TooManyVariants
from shared.core.errors import NotFound, StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import Caller, ExpectedVersion, StoreSession
from shared.core.typeids import ProductId, VariantId
from shared.inventory import batches, declaring, openings
from shared.inventory.batches import Batch, BatchOut
from shared.inventory.documents import StockedProductDocument
from shared.inventory.schemas import NewStockedProduct, NewStockedVariant
from shared.inventory.stock import BackordersOpen, StockIsReserved

api = Api("catalog", prefix="/api/v1", audience="merchant")


@api.get("/products", permission="product.read", raises=(InvalidListing,))
def list_products(query: Annotated[ListQuery, Depends(PRODUCTS.query)], session: StoreSession) -> Page[ProductOut]:
    """List products with their variants, drafts included, the newest first.

    Deleted ones are listed only when asked for: `deleted_at[null]=false`.
    """
    found, page, total = listing.list_products(session, query)
    return Page[ProductOut](data=[ProductOut.of(view) for view in found], page=page, total=total)


@api.post("/products", status_code=201, permission="product.write", raises=(SlugTaken, SkuTaken, ExternalIDTaken))
def create_product(product: NewStockedProduct, session: StoreSession, caller: Caller) -> ProductOut:
    """Make a product with its variants, and say what of them is on the shelf.

    Publishing it at once needs product.publish; saying what is on the shelf needs inventory.adjust.
    """
    product_id = openings.create_product(session, product, by=caller)
    return ProductOut.of(views.get_product(session, product_id))


@api.put(
    "/products",
    permission="product.write",
    raises=(NotFound, SlugTaken, SkuTaken, ExternalIDTaken, StockIsReserved, BackordersOpen),
)
def declare_product(product: StockedProductDocument, session: StoreSession, caller: Caller) -> ProductOut:
    """Say how a whole product shall be, and have it made or changed to that.

    The product is the present one of this `id`, else of this `external_id`, else of this `slug`; if there is none, it
    is new. A field that is absent stays as it is. A list that is present is meant whole: variants and pictures that it
    leaves out go. The same document again changes nothing. A body has at most 6 MB, a product at most 2,000 variants.
    Changing the status needs product.publish; saying what is on the shelf needs inventory.adjust.
    """
    product_id = declaring.declare_product(session, product, by=caller)
    return ProductOut.of(views.get_product(session, product_id))


@api.post("/products/batch", permission="product.write", timeout=29, memory=1024)
def declare_products(batch: Batch, session: StoreSession, caller: Caller) -> BatchOut:
    """Say how up to 200 products shall be, and which shall go, each as by a request of its own.

    The answer is 200 and has an outcome for each, with the status that its own request would have had; what fails stops
    nothing else. Publishing and archiving are changes of `status`: an item may be as short as
    `{"id": "prod_...", "status": "archived"}`. A body has at most 6 MB, and 4,000 variants in all.
    """
    return batches.run(session, batch, by=caller)


@api.get("/products/{product_id}", permission="product.read")
def get_product(product_id: ProductId, session: StoreSession) -> ProductOut:
    """Read one product with its variants."""
    return ProductOut.of(views.get_product(session, product_id))


@api.patch("/products/{product_id}", permission="product.write", raises=(StaleVersion, SlugTaken, ExternalIDTaken))
def edit_product(
    product_id: ProductId,
    edit: EditProduct,
    session: StoreSession,
    caller: Caller,
    expected_version: ExpectedVersion,
) -> ProductOut:
    """Change a product; what is absent stays. Changing its status needs product.publish."""
    products.edit(session, product_id, edit, expected_version=expected_version, by=caller)
    return ProductOut.of(views.get_product(session, product_id))


@api.put("/products/{product_id}/images", permission="product.write", raises=(StaleVersion,))
def put_product_images(
    product_id: ProductId,
    wanted: ImagesOf,
    session: StoreSession,
    caller: Caller,
    expected_version: ExpectedVersion,
) -> ProductOut:
    """Say which pictures a product has, in their order: all of them. What is not among them goes.

    A picture is one that was uploaded, by its media id, or an address that it is fetched from. Variants that showed a
    picture which goes show none.
    """
    products.put_images(session, product_id, wanted, expected_version=expected_version, by=caller)
    return ProductOut.of(views.get_product(session, product_id))


@api.delete("/products/{product_id}", permission="product.write", raises=(StaleVersion,))
def delete_product(product_id: ProductId, session: StoreSession, expected_version: ExpectedVersion) -> ProductOut:
    """Delete a product with its variants. It can be restored for 90 days."""
    deletion.delete_product(session, product_id, expected_version=expected_version)
    return ProductOut.of(views.view_product(session, product_id))


@api.post("/products/{product_id}/restore", permission="product.write", raises=(SlugTaken, SkuTaken, ExternalIDTaken))
def restore_product(product_id: ProductId, session: StoreSession) -> ProductOut:
    """Bring a deleted product back, with the variants that went with it and the status that it had."""
    deletion.restore_product(session, product_id)
    return ProductOut.of(views.get_product(session, product_id))


@api.get("/products/{product_id}/variants", permission="product.read")
def list_variants(product_id: ProductId, session: StoreSession) -> VariantsOut:
    """List the variants of a product, in their order."""
    view = views.get_product(session, product_id)
    return VariantsOut(data=[VariantOut.of(variant) for variant in view.variants])


@api.post(
    "/products/{product_id}/variants",
    status_code=201,
    permission="product.write",
    raises=(SkuTaken, ExternalIDTaken, TooManyVariants),
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
    return VariantOut.of(views.get_variant(session, variant_id))


@api.patch("/variants/{variant_id}", permission="product.write", raises=(StaleVersion, SkuTaken, ExternalIDTaken))
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


@api.post(
    "/variants/{variant_id}/restore",
    permission="product.write",
    raises=(SkuTaken, ExternalIDTaken, TooManyVariants),
)
def restore_variant(variant_id: VariantId, session: StoreSession) -> VariantOut:
    """Bring a deleted variant back."""
    return VariantOut.of(deletion.restore_variant(session, variant_id))


handler = api.lambda_handler()
