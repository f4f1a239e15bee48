"""Brands, categories and labels over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.catalog import brands, categories, category_places, category_tree, labels, membership
from shared.catalog.brands import BRANDS
from shared.catalog.categories import CATEGORIES, HasChildren, ParentDeleted
from shared.catalog.category_places import CircularMove, TooDeep
from shared.catalog.group_schemas import (
    BrandOut,
    CategoryOut,
    ChangeMembers,
    EditBrand,
    EditCategory,
    EditLabel,
    LabelOut,
    LabelsOut,
    MembersChanged,
    MoveCategory,
    NewBrand,
    NewCategory,
    NewLabel,
    TreeNodeOut,
    TreeOut,
)
from shared.catalog.labels import TooManyLabels
from shared.catalog.naming import SlugTaken
from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.typeids import BrandId, CategoryId, LabelId

api = Api("catalog", prefix="/api/v1", audience="merchant")


@api.get("/brands", permission="product.read", raises=(InvalidListing,))
def list_brands(query: Annotated[ListQuery, Depends(BRANDS.query)], session: StoreSession) -> Page[BrandOut]:
    """List brands by name. Deleted ones are listed only when asked for: `deleted_at[null]=false`."""
    found, page, total = brands.list_brands(session, query)
    return Page[BrandOut](data=[BrandOut.of(brand) for brand in found], page=page, total=total)


@api.post("/brands", status_code=201, permission="product.write", raises=(SlugTaken,))
def create_brand(brand: NewBrand, session: StoreSession) -> BrandOut:
    """Make a brand."""
    return BrandOut.of(brands.create(session, brand))


@api.get("/brands/{brand_id}", permission="product.read")
def get_brand(brand_id: BrandId, session: StoreSession) -> BrandOut:
    """Read one brand."""
    return BrandOut.of(brands.get(session, brand_id))


@api.patch("/brands/{brand_id}", permission="product.write", raises=(StaleVersion, SlugTaken))
def edit_brand(
    brand_id: BrandId,
    edit: EditBrand,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> BrandOut:
    """Change a brand; what is absent stays."""
    return BrandOut.of(brands.edit(session, brand_id, edit, expected_version=expected_version))


@api.delete("/brands/{brand_id}", permission="product.write", raises=(StaleVersion,))
def delete_brand(brand_id: BrandId, session: StoreSession, expected_version: ExpectedVersion) -> BrandOut:
    """Delete a brand. Its products stay, and are shown without it. It can be restored for 90 days."""
    return BrandOut.of(brands.delete(session, brand_id, expected_version=expected_version))


@api.post("/brands/{brand_id}/restore", permission="product.write", raises=(SlugTaken,))
def restore_brand(brand_id: BrandId, session: StoreSession) -> BrandOut:
    """Bring a deleted brand back, on the products that had it as well."""
    return BrandOut.of(brands.restore(session, brand_id))


@api.get("/categories", permission="product.read", raises=(InvalidListing,))
def list_categories(
    query: Annotated[ListQuery, Depends(CATEGORIES.query)],
    session: StoreSession,
) -> Page[CategoryOut]:
    """List categories: those at the top by `parent_id[null]=true`, the children of one by `parent_id`.

    Deleted ones are listed only when asked for: `deleted_at[null]=false`.
    """
    found, page, total = categories.list_categories(session, query)
    return Page[CategoryOut](data=[CategoryOut.of(category) for category in found], page=page, total=total)


@api.get("/category-tree", permission="product.read")
def get_category_tree(session: StoreSession) -> TreeOut:
    """Read the whole tree: each category before those that are below it, siblings in their order."""
    return TreeOut(data=[TreeNodeOut.of(node) for node in category_tree.tree(session)])


@api.post("/categories", status_code=201, permission="product.write", raises=(SlugTaken, TooDeep))
def create_category(category: NewCategory, session: StoreSession) -> CategoryOut:
    """Make a category, at the top or below another; a tree is at most 12 categories deep."""
    return CategoryOut.of(categories.create(session, category))


@api.get("/categories/{category_id}", permission="product.read")
def get_category(category_id: CategoryId, session: StoreSession) -> CategoryOut:
    """Read one category."""
    return CategoryOut.of(categories.get(session, category_id))


@api.patch("/categories/{category_id}", permission="product.write", raises=(StaleVersion, SlugTaken))
def edit_category(
    category_id: CategoryId,
    edit: EditCategory,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> CategoryOut:
    """Change a category; what is absent stays. Its place is changed by moving it."""
    return CategoryOut.of(categories.edit(session, category_id, edit, expected_version=expected_version))


@api.post(
    "/categories/{category_id}/move",
    permission="product.write",
    raises=(StaleVersion, CircularMove, TooDeep),
)
def move_category(
    category_id: CategoryId,
    to: MoveCategory,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> CategoryOut:
    """Move a category with all that is below it, below another or to the top, or among its siblings."""
    return CategoryOut.of(category_places.move(session, category_id, to, expected_version=expected_version))


@api.delete("/categories/{category_id}", permission="product.write", raises=(StaleVersion, HasChildren))
def delete_category(category_id: CategoryId, session: StoreSession, expected_version: ExpectedVersion) -> CategoryOut:
    """Delete a category that has no children. Its products stay. It can be restored for 90 days."""
    return CategoryOut.of(categories.delete(session, category_id, expected_version=expected_version))


@api.post(
    "/categories/{category_id}/restore",
    permission="product.write",
    raises=(SlugTaken, ParentDeleted, CircularMove, TooDeep),
)
def restore_category(category_id: CategoryId, session: StoreSession) -> CategoryOut:
    """Bring a deleted category back to its place, with the products that it had."""
    return CategoryOut.of(categories.restore(session, category_id))


@api.post("/categories/{category_id}/products", permission="product.write")
def change_products_of_category(
    category_id: CategoryId,
    products: ChangeMembers,
    session: StoreSession,
) -> MembersChanged:
    """Put up to 200 products into a category, or take them out; all of them, or none if one is not there."""
    added, removed = membership.change_category(session, category_id, products)
    return MembersChanged(added=added, removed=removed)


@api.get("/labels", permission="product.read")
def list_labels(session: StoreSession) -> LabelsOut:
    """List the store's labels, in their order; there are 100 at most."""
    return LabelsOut(data=[LabelOut.of(label) for label in labels.list_labels(session)])


@api.post("/labels", status_code=201, permission="product.write", raises=(SlugTaken, TooManyLabels))
def create_label(label: NewLabel, session: StoreSession) -> LabelOut:
    """Make a label, such as NEW, SALE or HOT."""
    return LabelOut.of(labels.create(session, label))


@api.get("/labels/{label_id}", permission="product.read")
def get_label(label_id: LabelId, session: StoreSession) -> LabelOut:
    """Read one label."""
    return LabelOut.of(labels.get(session, label_id))


@api.patch("/labels/{label_id}", permission="product.write", raises=(StaleVersion, SlugTaken))
def edit_label(
    label_id: LabelId,
    edit: EditLabel,
    session: StoreSession,
    expected_version: ExpectedVersion,
) -> LabelOut:
    """Change a label; what is absent stays."""
    return LabelOut.of(labels.edit(session, label_id, edit, expected_version=expected_version))


@api.delete("/labels/{label_id}", permission="product.write", raises=(StaleVersion,))
def delete_label(label_id: LabelId, session: StoreSession, expected_version: ExpectedVersion) -> LabelOut:
    """Remove a label for good, from its products as well."""
    return LabelOut.of(labels.delete(session, label_id, expected_version=expected_version))


@api.post("/labels/{label_id}/products", permission="product.write")
def change_products_of_label(label_id: LabelId, products: ChangeMembers, session: StoreSession) -> MembersChanged:
    """Give up to 200 products a label, or take it from them; all of them, or none if one is not there."""
    added, removed = membership.change_label(session, label_id, products)
    return MembersChanged(added=added, removed=removed)


handler = api.lambda_handler()
