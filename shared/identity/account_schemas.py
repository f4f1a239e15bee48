"""What comes in and goes out about accounts at other issuers."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from shared.core.schemas import Input, Schema
from shared.core.typeids import AccountId
from shared.identity.models.factors import Account

Name = Annotated[str, StringConstraints(max_length=64), Field(description="An issuer's name.", examples=["google"])]
_Given = StringConstraints(min_length=1, max_length=4000)


class AtIssuer(Input):
    """Where you have the account."""

    issuer: Name


class FromIssuer(Input):
    """What the issuer sent your browser back with."""

    code: Annotated[str, _Given]
    state: Annotated[str, _Given]
    iss: Annotated[str | None, StringConstraints(max_length=4000)] = None


class IssuersOut(Schema):
    """The issuers whose accounts let people in."""

    data: list[str]


class AuthorizationOut(Schema):
    """Where to send the browser. It keeps a cookie until it is back, ten minutes at most."""

    authorization_url: str


class AccountOut(Schema):
    """An account of yours at another issuer."""

    id: AccountId
    issuer: str
    created_at: datetime
    last_used_at: datetime

    @classmethod
    def of(cls, account: Account) -> Self:
        """Present an account."""
        return cls(
            id=account.id, issuer=account.issuer, created_at=account.created_at, last_used_at=account.last_used_at
        )


class AccountsOut(Schema):
    """Your accounts at other issuers, the newest first."""

    data: list[AccountOut]
