"""What comes in and goes out about credentials."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from shared.core.moments import Moment
from shared.core.permissions import PERMISSIONS
from shared.core.schemas import Schema
from shared.core.typeids import CredentialId
from shared.identity.models import Credential
from shared.identity.onboarding import Onboarded
from shared.stores.schemas import StoreOut


def _a_permission(code: str) -> str:
    if code not in PERMISSIONS:
        message = f"There is no permission {code!r}."
        raise ValueError(message)
    return code


Scope = Annotated[str, AfterValidator(_a_permission), Field(examples=["order.read"])]


class IssueToken(Schema):
    """A new secret token."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(PERMISSIONS))]
    expires_at: Annotated[Moment | None, Field(description="When it ends by itself; never, if absent.")] = None


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
    expires_at: datetime | None
    revoked_at: datetime | None

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
            expires_at=credential.expires_at,
            revoked_at=credential.revoked_at,
        )


class IssuedTokenOut(Schema):
    """A new secret token; `token` is shown this once."""

    token: str
    credential: CredentialOut


class CredentialsOut(Schema):
    """The store's credentials, the newest first."""

    data: list[CredentialOut]


class OnboardedOut(Schema):
    """A new store with its first keys; `secret_token` is shown this once."""

    store: StoreOut
    publishable_key: str
    secret_token: str

    @classmethod
    def of(cls, onboarded: Onboarded) -> Self:
        """Present a new store."""
        return cls(
            store=StoreOut.of(onboarded.store),
            publishable_key=onboarded.publishable_key,
            secret_token=onboarded.secret_token,
        )
