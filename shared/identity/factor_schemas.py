"""What comes in and goes out about second factors."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from shared.core.schemas import Input, Schema
from shared.core.typeids import AuthenticatorId
from shared.identity.authenticators import Begun, Confirmed
from shared.identity.models.factors import Authenticator
from shared.identity.person_schemas import SessionOut

Code = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    Field(description="Six digits of your authenticator app, or a recovery code.", examples=["123456"]),
]


class CompleteSignIn(Input):
    """The second half of a sign-in."""

    challenge: Annotated[str, StringConstraints(max_length=200)]
    code: Code


class BeginAuthenticator(Input):
    """An app that is to be set up; the name is for you to tell it from others."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = "Authenticator"


class ConfirmAuthenticator(Input):
    """What the app shows."""

    code: Code


class AuthenticatorOut(Schema):
    """An authenticator app of yours, without its secret."""

    id: AuthenticatorId
    name: str
    created_at: datetime
    confirmed_at: datetime | None

    @classmethod
    def of(cls, app: Authenticator) -> Self:
        """Present an app."""
        return cls(id=app.id, name=app.name, created_at=app.created_at, confirmed_at=app.confirmed_at)


class AuthenticatorsOut(Schema):
    """Your authenticator apps, the newest first, and how many recovery codes you have left."""

    data: list[AuthenticatorOut]
    recovery_codes_left: int


class BegunOut(Schema):
    """What an app learns the secret by: its QR code (an SVG), the address that this holds, or the secret typed in.

    All three are shown this once.
    """

    authenticator: AuthenticatorOut
    secret: str
    uri: str
    qr_code: str

    @classmethod
    def of(cls, begun: Begun) -> Self:
        """Present an app that is to be confirmed."""
        app = AuthenticatorOut.of(begun.authenticator)
        return cls(authenticator=app, secret=begun.secret, uri=begun.uri, qr_code=begun.qr_code)


class RecoveryCodesOut(Schema):
    """Ten codes for who has lost their app, each good for one use. They are shown this once."""

    recovery_codes: list[str]


class ConfirmedOut(Schema):
    """Your session, which has a new cookie, and with the first app ten recovery codes, shown this once."""

    session: SessionOut
    recovery_codes: list[str]

    @classmethod
    def of(cls, confirmed: Confirmed) -> Self:
        """Present what came of a first code."""
        opened = confirmed.opened.session
        return cls(session=SessionOut.of(opened, present=opened.id), recovery_codes=confirmed.recovery_codes)
