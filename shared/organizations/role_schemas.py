"""What comes in and goes out about roles, permissions and exceptions."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from shared.core.moments import Moment
from shared.core.money import LARGEST
from shared.core.permissions import PERMISSIONS, STANDARD
from shared.core.schemas import Input, Schema
from shared.core.typeids import MemberId, OverrideId, RoleId, UserId
from shared.organizations.models import Effect, PermissionOverride, Standing
from shared.organizations.permissions import BUNDLES, WITH_AMOUNT

if TYPE_CHECKING:
    from shared.organizations.roles import RoleWithPermissions

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
UpTo = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=LARGEST,
        description="The amount up to which it goes, in minor units of the store's currency; without a limit if null.",
    ),
]


def _a_permission(code: str) -> str:
    if code not in PERMISSIONS:
        kind = "permission"
        raise PydanticCustomError(kind, "There is no such permission; GET /organization/permissions lists them.")
    return code


def _a_bundle(name: str) -> str:
    if name not in BUNDLES:
        kind = "bundle"
        raise PydanticCustomError(kind, "There is no such bundle; GET /organization/permissions lists them.")
    return name


PermissionCode = Annotated[str, AfterValidator(_a_permission), Field(examples=["order.refund"])]
BundleName = Annotated[str, AfterValidator(_a_bundle), Field(examples=["finance"])]


def _require_amount(permission: str, up_to: int | None) -> None:
    if up_to is not None and permission not in WITH_AMOUNT:
        kind = "amount"
        raise PydanticCustomError(kind, "No money goes out by this permission, so no amount limits it.")


class Grant(Input):
    """A permission, and how far it goes."""

    permission: PermissionCode
    up_to: UpTo | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _require_amount(self.permission, self.up_to)
        return self


Grants = Annotated[list[Grant], Field(max_length=len(PERMISSIONS))]
Bundles = Annotated[
    list[BundleName],
    Field(max_length=len(BUNDLES), description="Permissions by the handful; one that is named itself keeps its limit."),
]


def all_of(permissions: list[Grant], bundles: list[str]) -> dict[str, int | None]:
    """Return what is named, itself or by a bundle; what is named itself says how far it goes."""
    wanted: dict[str, int | None] = {code: None for name in bundles for code in BUNDLES[name][1]}
    return wanted | {grant.permission: grant.up_to for grant in permissions}


class NewRole(Input):
    """A role of the organization's own."""

    name: Title
    description: Description = ""
    permissions: Grants = Field(default_factory=list)
    bundles: Bundles = Field(default_factory=list)


class EditRole(Input):
    """What to change of a role; what is absent stays. Permissions and bundles together replace what it allows."""

    name: Title | None = None
    description: Description | None = None
    permissions: Grants | None = None
    bundles: Bundles | None = None


class RoleOut(Schema):
    """A role of the organization's own."""

    id: RoleId
    name: str
    description: str
    permissions: list[Grant]
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, found: "RoleWithPermissions") -> Self:
        """Present a role."""
        role = found.role
        return cls(
            id=role.id,
            name=role.name,
            description=role.description,
            permissions=[Grant(permission=code, up_to=up_to) for code, up_to in sorted(found.grants.items())],
            version=role.version,
            created_at=role.created_at,
            updated_at=role.updated_at,
        )


class StandardRoleOut(Schema):
    """A role that every organization has."""

    role: Standing
    permissions: list[str]


class RolesOut(Schema):
    """The roles that a member can have: four that every organization has, and its own by name."""

    standard: list[StandardRoleOut]
    data: list[RoleOut]

    @classmethod
    def of(cls, found: "list[RoleWithPermissions]") -> Self:
        """Present an organization's roles."""
        standard = [StandardRoleOut(role=Standing(role), permissions=sorted(codes)) for role, codes in STANDARD.items()]
        return cls(standard=standard, data=[RoleOut.of(one) for one in found])


class PermissionOut(Schema):
    """What may be allowed."""

    code: str
    description: str
    takes_amount: Annotated[bool, Field(description="Whether it may go up to an amount.")]


class BundleOut(Schema):
    """Permissions that mostly go together."""

    name: str
    title: str
    permissions: list[str]


class PermissionsOut(Schema):
    """All that may be allowed, and the bundles to choose it by."""

    permissions: list[PermissionOut]
    bundles: list[BundleOut]

    @classmethod
    def whole(cls) -> Self:
        """Present the taxonomy."""
        return cls(
            permissions=[
                PermissionOut(code=code, description=description, takes_amount=code in WITH_AMOUNT)
                for code, description in PERMISSIONS.items()
            ],
            bundles=[
                BundleOut(name=name, title=title, permissions=sorted(codes)) for name, (title, codes) in BUNDLES.items()
            ],
        )


class SetOverride(Input):
    """An exception to a member's role."""

    effect: Effect
    up_to: UpTo | None = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
    expires_at: Annotated[Moment | None, Field(description="When it ends by itself; never, if null.")] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.effect is Effect.DENY and self.up_to is not None:
            kind = "amount"
            raise PydanticCustomError(kind, "What is denied goes up to nothing.")
        return self


class OverrideOut(Schema):
    """An exception to a member's role; over, once `expires_at` has passed."""

    id: OverrideId
    member_id: MemberId
    permission: str
    effect: Effect
    up_to: int | None
    reason: str
    granted_by: UserId
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, override: PermissionOverride) -> Self:
        """Present an exception."""
        return cls(
            id=override.id,
            member_id=override.member_id,
            permission=override.permission,
            effect=override.effect,
            up_to=override.up_to,
            reason=override.reason,
            granted_by=override.granted_by,
            created_at=override.created_at,
            expires_at=override.expires_at,
        )


class OverridesOut(Schema):
    """A member's exceptions."""

    data: list[OverrideOut]
