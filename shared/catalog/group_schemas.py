"""What comes in and goes out about brands, categories and labels."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.catalog.category_tree import TreeNode
from shared.catalog.models.groups import Brand, Category, Label
from shared.core.schemas import Input, Schema
from shared.core.typeids import BrandId, CategoryId, LabelId, MediaId, ProductId

MAX_AT_ONCE = 200  # products that one request puts into a group, and takes out of it

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100),
    Field(description="Its address in the shop; made of the name if absent.", examples=["tea-mugs"]),
]
Description = Annotated[
    str,
    StringConstraints(max_length=50_000),
    Field(description="HTML; what could harm shoppers is taken out when it is shown."),
]
SEOTitle = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=255),
    Field(description="The page's title for search engines; the name if empty."),
]
SEODescription = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=1000),
    Field(description="What search engines show below the title."),
]
Position = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=10**9,
        description="Siblings stand in the order of this number. If absent, it comes after the last one, 100 further "
        "on, so that others fit between.",
    ),
]
Picture = Annotated[MediaId, Field(description="The picture: one of the store's that was not refused.")]
Color = Annotated[
    str,
    StringConstraints(pattern=r"^(#[0-9A-Fa-f]{6})?$"),
    AfterValidator(str.lower),
    Field(description="`#rrggbb`, or empty.", examples=["#cc0000"]),
]


class NewBrand(Input):
    """A brand to be made."""

    name: Name
    slug: Slug | None = None
    description: Description = ""
    media_id: Picture | None = None


class EditBrand(Input):
    """What to change of a brand; what is absent stays. `media_id: null` takes the picture away."""

    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None
    media_id: Picture | None = None


class BrandOut(Schema):
    """A brand, as its merchant sees it."""

    id: BrandId
    name: str
    slug: str
    description: str
    media_id: MediaId | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = Field(description="Restorable for 90 days after it.")

    @classmethod
    def of(cls, brand: Brand) -> Self:
        """Present a brand."""
        return cls(
            id=brand.id,
            name=brand.name,
            slug=brand.slug,
            description=brand.description,
            media_id=brand.media_id,
            version=brand.version,
            created_at=brand.created_at,
            updated_at=brand.updated_at,
            deleted_at=brand.deleted_at,
        )


class NewCategory(Input):
    """A category to be made, at the top or below another."""

    name: Name
    parent_id: CategoryId | None = None
    position: Position | None = None
    slug: Slug | None = None
    description: Description = ""
    seo_title: SEOTitle = ""
    seo_description: SEODescription = ""
    media_id: Picture | None = None


class EditCategory(Input):
    """What to change of a category; what is absent stays. `media_id: null` takes the picture away."""

    name: Name | None = None
    slug: Slug | None = None
    description: Description | None = None
    seo_title: SEOTitle | None = None
    seo_description: SEODescription | None = None
    media_id: Picture | None = None


class MoveCategory(Input):
    """Where a category goes, with all that is below it. `parent_id: null` is the top."""

    parent_id: CategoryId | None
    position: Position | None = None


class CategoryOut(Schema):
    """A category, as its merchant sees it."""

    id: CategoryId
    parent_id: CategoryId | None
    name: str
    slug: str
    description: str
    seo_title: str
    seo_description: str
    media_id: MediaId | None
    position: int
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = Field(description="Restorable for 90 days after it.")

    @classmethod
    def of(cls, category: Category) -> Self:
        """Present a category."""
        return cls(
            id=category.id,
            parent_id=category.parent_id,
            name=category.name,
            slug=category.slug,
            description=category.description,
            seo_title=category.seo_title,
            seo_description=category.seo_description,
            media_id=category.media_id,
            position=category.position,
            version=category.version,
            created_at=category.created_at,
            updated_at=category.updated_at,
            deleted_at=category.deleted_at,
        )


class TreeNodeOut(Schema):
    """A category at its place in the tree. `depth` is 1 at the top."""

    id: CategoryId
    parent_id: CategoryId | None
    name: str
    slug: str
    position: int
    depth: int
    version: int

    @classmethod
    def of(cls, node: TreeNode) -> Self:
        """Present a category at its place."""
        return cls(
            id=node.id,
            parent_id=node.parent_id,
            name=node.name,
            slug=node.slug,
            position=node.position,
            depth=node.depth,
            version=node.version,
        )


class TreeOut(Schema):
    """The whole tree: each category before those that are below it, siblings in their order."""

    data: list[TreeNodeOut]


class NewLabel(Input):
    """A label to be made."""

    name: Name
    slug: Slug | None = None
    color: Color = ""
    position: Position | None = None


class EditLabel(Input):
    """What to change of a label; what is absent stays."""

    name: Name | None = None
    slug: Slug | None = None
    color: Color | None = None
    position: Position | None = None


class LabelOut(Schema):
    """A label, as its merchant sees it."""

    id: LabelId
    name: str
    slug: str
    color: str
    position: int
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, label: Label) -> Self:
        """Present a label."""
        return cls(
            id=label.id,
            name=label.name,
            slug=label.slug,
            color=label.color,
            position=label.position,
            version=label.version,
            created_at=label.created_at,
            updated_at=label.updated_at,
        )


class LabelsOut(Schema):
    """The store's labels, in their order."""

    data: list[LabelOut]


class ChangeMembers(Input):
    """Products to be put into a category, or to be given a label, and others to be taken out of it."""

    add: list[ProductId] = Field(default=[], max_length=MAX_AT_ONCE)
    remove: list[ProductId] = Field(default=[], max_length=MAX_AT_ONCE)

    @model_validator(mode="after")
    def _are_some_and_no_contradiction(self) -> Self:
        named = len(self.add) + len(self.remove)
        if not 1 <= named <= MAX_AT_ONCE:
            kind = "how_many"
            raise PydanticCustomError(kind, "Name 1 to {most} products.", {"most": MAX_AT_ONCE})
        if set(self.add) & set(self.remove):
            kind = "added_and_removed"
            raise PydanticCustomError(kind, "A product can't be added and removed at once.")
        return self


class MembersChanged(Schema):
    """How many products the request changed; those that were as wanted already are not among them."""

    added: int
    removed: int
