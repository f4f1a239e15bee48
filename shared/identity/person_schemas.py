"""What comes in and goes out about people and their sessions."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from shared.core.emails import Email
from shared.core.principal import Principal
from shared.core.schemas import Input, Schema
from shared.core.typeids import OrganizationId, SessionId, StoreId, UserId
from shared.identity.challenges import Challenge
from shared.identity.models.people import StaffSession, User
from shared.identity.signing_in import Entry
from shared.stores.schemas import Locale

PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# Longer than any that is taken, so that what is too long is told so by the rule for passwords.
Password = Annotated[str, StringConstraints(max_length=1000), Field(json_schema_extra={"format": "password"})]
LinkToken = Annotated[
    str,
    StringConstraints(max_length=200),
    Field(
        description="What stands behind the `#` of the mailed link.",
        examples=["ve_0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o012345"],
    ),
]


class SignUp(Input):
    """A person who wants to open a store."""

    email: Email
    name: PersonName
    password: Password
    locale: Locale = "bn-BD"


class VerifyEmail(Input):
    """The mailed link, and the password of the sign-up."""

    token: LinkToken
    password: Password


class SignIn(Input):
    """An address and its password."""

    email: Email
    password: Password


class AskForReset(Input):
    """Whose password was forgotten."""

    email: Email


class ResetPassword(Input):
    """The mailed link, and a new password."""

    token: LinkToken
    password: Password


class ChangePassword(Input):
    """The password that one has, and the one that is to replace it."""

    current_password: Password
    new_password: Password


class StepUp(Input):
    """The proof that it is you: your password; or, if you have a second factor, a code of it."""

    password: Password | None = None
    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.password is None) == (self.code is None):
            message = "Send your password, or a code of your second factor."
            raise ValueError(message)
        return self


class PlaceIn(Input):
    """An organization that you work for, and a store of it; neither, to leave."""

    organization_id: OrganizationId | None = None
    store_id: StoreId | None = None


class Because(Input):
    """Why it is done; it stands in the audit entry."""

    because: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class DisabledOut(Schema):
    """Whether, and since when, a person is shut out."""

    id: UserId
    disabled_at: datetime | None
    version: int

    @classmethod
    def of(cls, user: User) -> Self:
        """Present it to an operator, who learns nothing else of the person."""
        return cls(id=user.id, disabled_at=user.disabled_at, version=user.version)


class OnItsWay(Schema):
    """A mail is on its way, if there is anybody to write to."""

    email: str


class SessionOut(Schema):
    """A browser in which you are signed in. `is_present`: the one that asks. `address` is where it came from."""

    id: SessionId
    created_at: datetime
    last_seen_at: datetime
    proven_at: datetime
    expires_at: datetime
    has_second_factor: bool
    organization_id: OrganizationId | None
    store_id: StoreId | None
    address: str | None
    user_agent: str | None
    is_present: bool

    @classmethod
    def of(cls, session: StaffSession, *, present: UUID) -> Self:
        """Present a session to whoever asks by the session `present`."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            proven_at=session.proven_at,
            expires_at=session.expires_at,
            has_second_factor=session.has_second_factor,
            organization_id=session.organization_id,
            store_id=session.entered_store_id,
            address=session.address,
            user_agent=session.user_agent,
            is_present=session.id == present,
        )


class SessionsOut(Schema):
    """Where you are signed in, the latest sign-in first."""

    data: list[SessionOut]


class EndedOut(Schema):
    """How many sessions ended; none, where it was over already."""

    ended: int


class SecondFactorOut(Schema):
    """What is to be answered with your second factor, and until when."""

    challenge: str
    expires_at: datetime


class EntryOut(Schema):
    """You are signed in (`session`), or to give your second factor first (`second_factor`): one of the two."""

    session: SessionOut | None
    second_factor: SecondFactorOut | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Present what a sign-in led to."""
        if isinstance(entry, Challenge):
            return cls(session=None, second_factor=SecondFactorOut(challenge=entry.token, expires_at=entry.expires_at))
        return cls(session=SessionOut.of(entry.session, present=entry.session.id), second_factor=None)


class PersonOut(Schema):
    """You."""

    id: UserId
    email: str
    name: str
    locale: str
    email_verified_at: datetime | None
    second_factor_since: datetime | None
    password_changed_at: datetime | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Present a person to themselves."""
        return cls(
            id=user.id,
            email=user.email,
            name=user.name,
            locale=user.locale,
            email_verified_at=user.email_verified_at,
            second_factor_since=user.second_factor_since,
            password_changed_at=user.password_changed_at,
        )


class SignedInOut(Schema):
    """Who you are, where you are, and what you may do there.

    `limits`: the amounts, in minor units, up to which some of the permissions go.
    """

    person: PersonOut
    session_id: SessionId
    proven_at: datetime | None
    organization_id: OrganizationId | None
    store_id: StoreId | None
    permissions: list[str]
    limits: dict[str, int]

    @classmethod
    def of(cls, user: User, principal: Principal) -> Self:
        """Present who is calling."""
        session = principal.session
        assert session is not None, "only who has signed in is presented"  # noqa: S101 -- for the type
        return cls(
            person=PersonOut.of(user),
            session_id=session.id,
            proven_at=session.proven_at,
            organization_id=session.organization_id,
            store_id=session.store_id,
            permissions=sorted(principal.scopes),
            limits=dict(principal.limits),
        )
