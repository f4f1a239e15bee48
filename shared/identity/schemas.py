"""What comes in and goes out about credentials."""

from datetime import date, datetime
from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from shared.core.moments import Moment
from shared.core.permissions import PERMISSIONS
from shared.core.schemas import Input, Schema
from shared.core.typeids import CredentialId, OrganizationId, UserId
from shared.identity.models import Credential, TokenUse
from shared.identity.onboarding import Onboarded
from shared.stores.schemas import StoreOut


def _a_permission(code: str) -> str:
    if code not in PERMISSIONS:
        message = f"There is no permission {code!r}."
        raise ValueError(message)
    return code


Scope = Annotated[str, AfterValidator(_a_permission), Field(examples=["order.read"])]


def _a_network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        kind = "network"
        message = "An address or a network is expected, such as 203.0.113.7 or 203.0.113.0/24."
        raise PydanticCustomError(kind, "{reason}", {"reason": message}) from None


Network = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=49),
    AfterValidator(_a_network),
    Field(examples=["203.0.113.0/24", "2001:db8::/32"]),
]


class IssueToken(Input):
    """A new secret token."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(PERMISSIONS))]
    expires_at: Annotated[Moment | None, Field(description="When it ends by itself; never, if absent.")] = None
    allowed_addresses: Annotated[
        list[Network] | None,
        Field(min_length=1, max_length=50, description="From where it may be used; from anywhere, if absent."),
    ] = None


class RotateToken(Input):
    """How long the old secret still works."""

    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=168)] = 24


class CredentialOut(Schema):
    """A credential, without its secret."""

    id: CredentialId
    kind: Literal["publishable", "secret"]
    name: str
    publishable_key: str | None
    last_four: str
    scopes: list[str]
    version: int
    created_at: datetime
    created_by: Annotated[
        UserId | None, Field(description="Who made it: it may do no more than they may. None: the platform did.")
    ]
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: Annotated[CredentialId | None, Field(description="The token that took over from it, in a rotation.")]
    allowed_addresses: list[str] | None
    last_used_at: Annotated[datetime | None, Field(description="Within five minutes.")]

    @classmethod
    def of(cls, credential: Credential) -> Self:
        """Present a credential."""
        return cls(
            id=credential.id,
            kind="publishable" if credential.publishable_key else "secret",
            name=credential.name,
            publishable_key=credential.publishable_key,
            last_four=credential.last_four,
            scopes=credential.scopes,
            version=credential.version,
            created_at=credential.created_at,
            created_by=credential.created_by,
            expires_at=credential.expires_at,
            revoked_at=credential.revoked_at,
            replaced_by=credential.replaced_by,
            allowed_addresses=credential.allowed_addresses,
            last_used_at=credential.last_used_at,
        )


class IssuedTokenOut(Schema):
    """A new secret token; `token` is shown this once."""

    token: str
    credential: CredentialOut


class CredentialsOut(Schema):
    """The store's credentials, the newest first."""

    data: list[CredentialOut]


class TokenUseOut(Schema):
    """A day on which a token was used, at least so often: what a process counts last, it may take with it."""

    day: date
    requests: int
    last_route: str
    last_address: str | None
    last_used_at: datetime

    @classmethod
    def of(cls, use: TokenUse) -> Self:
        """Present a day."""
        return cls(
            day=use.day,
            requests=use.requests,
            last_route=use.last_route,
            last_address=use.last_address,
            last_used_at=use.last_used_at,
        )


class TokenUsesOut(Schema):
    """The days on which a token was used, the newest first."""

    data: list[TokenUseOut]


class OnboardedOut(Schema):
    """A new store with its first keys; `secret_token` is shown this once."""

    organization_id: OrganizationId
    store: StoreOut
    publishable_key: str
    secret_token: str

    @classmethod
    def of(cls, onboarded: Onboarded) -> Self:
        """Present a new store."""
        return cls(
            organization_id=onboarded.store.organization_id,
            store=StoreOut.of(onboarded.store),
            publishable_key=onboarded.publishable_key,
            secret_token=onboarded.secret_token,
        )
