"""What groups products, as shoppers see it: the tree of categories, brands, labels. One statement each."""

import json
from typing import Any

from sqlalchemy.orm import Session

from shared.catalog import vocabulary
from shared.catalog.vocabulary import CategoryFacts, Word
from shared.core import ids
from shared.core.errors import NotFound
from shared.core.prepared import Prepared
from shared.search.schemas import (
    SEO,
    BrandList,
    CategoryPage,
    CategoryTree,
    LabelList,
    ShownBrand,
    ShownCategory,
    ShownLabel,
)


def tree(session: Session) -> Prepared[CategoryTree]:
    """Return all categories, each below its parent. What lies below a category that is gone is gone, too."""
    found = vocabulary.categories(session)
    nodes = {one.id: _node(one) for one in found}
    roots = []
    for one in found:
        if one.parent_id is None:
            roots.append(nodes[one.id])
        elif one.parent_id in nodes:
            nodes[one.parent_id]["children"].append(nodes[one.id])
    return Prepared(json.dumps({"data": roots}, ensure_ascii=False, separators=(",", ":")))


def category(session: Session, slug: str) -> CategoryPage:
    """Return one category with its surroundings.

    Raises:
        NotFound: there is no such category.
    """
    found = vocabulary.around(session, slug)
    present = next((one for one in found if one.distance == 0), None)
    if present is None:
        detail = "There is no such category."
        raise NotFound(detail)
    return CategoryPage(
        id=present.id,
        name=present.name,
        slug=present.slug,
        description=present.description,
        path=[_shown(one) for one in found if one.distance > 0],
        children=[_shown(one) for one in found if one.distance < 0],
        seo=SEO(title=present.seo_title or present.name, description=present.seo_description),
    )


def brands(session: Session) -> BrandList:
    """Return all brands, by name."""
    return BrandList(data=[ShownBrand(id=one.id, name=one.name, slug=one.slug) for one in vocabulary.brands(session)])


def labels(session: Session) -> LabelList:
    """Return all labels, in their order."""
    found = vocabulary.labels(session)
    return LabelList(data=[ShownLabel(id=one.id, name=one.name, slug=one.slug, color=one.color) for one in found])


def _node(one: Word) -> dict[str, Any]:
    return {"id": ids.encode("cat", one.id), "name": one.name, "slug": one.slug, "children": []}


def _shown(one: CategoryFacts) -> ShownCategory:
    return ShownCategory(id=one.id, name=one.name, slug=one.slug)
