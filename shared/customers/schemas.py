"""Customers on the wire: what they send about themselves, and what they and the merchant see."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared.checkout.persons import AddressIn
from shared.core.schemas import Input, Schema
from shared.core.typeids import AddressId, CodeId, CustomerId, CustomerSessionId, OrderId
from shared.customers.contacts import ContactIn
from shared.customers.models import Customer, CustomerAddress, CustomerCode, CustomerSession, CustomerStatus
from shared.customers.sessions import Tokens
from shared.messaging.models import ChannelKind
from shared.orders.contacts import PersonName

Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
# Longer ones are refused before they cost anything; how long a password may be is said by its rules.
Password = Annotated[str, StringConstraints(max_length=1000)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$"), Field(examples=["123456"])]
_LOCALE = Field(default=None, description="BCP 47: the language to write in; the store's own where it is absent.")


class RequestCode(ContactIn):
    """Where a code is to be sent."""

    locale: Locale | None = _LOCALE


class Register(RequestCode):
    """Who wants an account. Name, language and password are taken over if the contact has none yet."""

    name: PersonName | None = None
    password: Password | None = None


class AddContact(ContactIn):
    """The contact that is to take the place of the present one of its kind."""


class ShownCode(Input):
    """A code, and which one it is."""

    code_id: CodeId
    code: Code


class SignIn(Input):
    """A code with its id; or a contact, by e-mail or phone, with the password."""

    code_id: CodeId | None = None
    code: Code | None = None
    email: Annotated[str, StringConstraints(max_length=300)] | None = None
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    password: Password | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_code = self.code_id is not None and self.code is not None
        named = [self.email, self.phone].count(None) == 1
        by_password = named and self.password is not None
        strays = [self.email, self.phone, self.password] if by_code else [self.code_id, self.code]
        if by_code == by_password or any(value is not None for value in strays):
            message = "send code_id and code; or email or phone, and password"
            raise ValueError(message)
        if by_password:
            ContactIn(email=self.email, phone=self.phone)
        return self

    @property
    def contact(self) -> ContactIn:
        """Who signs in by password."""
        return ContactIn(email=self.email, phone=self.phone)


class Refresh(Input):
    """The refresh token of the last pair."""

    refresh_token: Annotated[str, StringConstraints(max_length=200)]


class EditAccount(Input):
    """What changes; what is absent stays, null takes it away."""

    name: PersonName | None = None
    locale: Locale | None = None


class SetPassword(Input):
    """The new password, and the present one where there is one and no code has just been shown."""

    password: Password
    current_password: Password | None = None


class NewAddress(AddressIn):
    """An address for the book. The first one is the default in any case."""

    is_default: bool = False


class CodeOut(Schema):
    """A code was sent. Whoever shows it names `id`, too."""

    id: CodeId
    channel: ChannelKind
    expires_at: datetime

    @classmethod
    def of(cls, code: CustomerCode) -> Self:
        """Present what was sent; not the code."""
        channel = ChannelKind.EMAIL if code.personal["kind"] == "email" else ChannelKind.SMS
        return cls(id=code.id, channel=channel, expires_at=code.expires_at)


class TokensOut(Schema):
    """Access for some minutes, sent as `Authorization: Bearer ca_...`, and what renews it once."""

    session_id: CustomerSessionId
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime

    @classmethod
    def of(cls, tokens: Tokens) -> Self:
        """Present a pair of tokens."""
        return cls(
            session_id=tokens.session_id,
            access_token=tokens.access_token,
            access_expires_at=tokens.access_expires_at,
            refresh_token=tokens.refresh_token,
            refresh_expires_at=tokens.refresh_expires_at,
        )


class AccountOut(Schema):
    """A customer's account, as they see it themselves. Contacts are proven ones."""

    id: CustomerId
    name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    has_password: bool
    created_at: datetime
    version: int

    @classmethod
    def of(cls, customer: Customer) -> Self:
        """Present an account to its owner."""
        return cls(
            id=customer.id,
            name=customer.name,
            email=customer.email,
            phone=customer.phone,
            locale=customer.locale,
            has_password=customer.password_digest is not None,
            created_at=customer.created_at,
            version=customer.version,
        )


class SignedInOut(TokensOut):
    """A customer who has signed in. `is_new`: the account was made just now."""

    is_new: bool
    account: AccountOut


class SessionOut(Schema):
    """A device in which the customer is signed in."""

    id: CustomerSessionId
    is_current: bool
    address: str | None
    user_agent: str | None
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, one: CustomerSession, *, is_current: bool) -> Self:
        """Present a session."""
        return cls(
            id=one.id,
            is_current=is_current,
            address=one.address,
            user_agent=one.user_agent,
            created_at=one.created_at,
            refreshed_at=one.refreshed_at,
            expires_at=one.expires_at,
        )


class SessionsOut(Schema):
    """Where the customer is signed in."""

    data: list[SessionOut]


class EndedOut(Schema):
    """How many sessions have ended by this."""

    ended: int


class AddressOut(Schema):
    """An entry of the address book, in the form that a checkout takes."""

    id: AddressId
    is_default: bool
    address: AddressIn
    version: int

    @classmethod
    def of(cls, row: CustomerAddress) -> Self:
        """Present an address."""
        address = AddressIn.model_validate(row.personal)
        return cls(id=row.id, is_default=row.is_default, address=address, version=row.version)


class AddressesOut(Schema):
    """The address book, the default first."""

    data: list[AddressOut]


class ClaimedOut(Schema):
    """The guests' orders that were found to be the customer's."""

    order_ids: list[OrderId]


class CustomerOut(Schema):
    """A customer, as the merchant sees them."""

    id: CustomerId
    status: CustomerStatus
    name: str | None
    email: str | None
    email_verified_at: datetime | None
    phone: str | None
    phone_verified_at: datetime | None
    locale: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @classmethod
    def of(cls, customer: Customer) -> Self:
        """Present a customer to the merchant."""
        return cls(
            id=customer.id,
            status=customer.status,
            name=customer.name,
            email=customer.email,
            email_verified_at=customer.email_verified_at,
            phone=customer.phone,
            phone_verified_at=customer.phone_verified_at,
            locale=customer.locale,
            version=customer.version,
            created_at=customer.created_at,
            updated_at=customer.updated_at,
            deleted_at=customer.deleted_at,
        )

    @classmethod
    def all_of(cls, customers: Sequence[Customer]) -> list[Self]:
        """Present a page of customers."""
        return [cls.of(customer) for customer in customers]
