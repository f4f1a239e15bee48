"""Who bought and where it goes: the personal data of an order, in one encrypted place."""

import unicodedata
from typing import Annotated, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from shared.core.emails import Email
from shared.core.phones import Phone
from shared.core.schemas import Schema

EMAIL_INDEX = "orders.email"  # what the blind indexes of an order's contact are made for
PHONE_INDEX = "orders.phone"

_LINE_BREAKS = {"\n", "\t"}


def _one_line(text: str) -> str:
    if not text.isprintable() and any(unicodedata.category(character) == "Cc" for character in text):
        message = "must be one line, without control characters"
        raise ValueError(message)
    return text


def _lines(text: str) -> str:
    if not text.isprintable() and any(
        unicodedata.category(character) == "Cc" and character not in _LINE_BREAKS for character in text
    ):
        message = "must not hold control characters"
        raise ValueError(message)
    return text


PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
AddressLine = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000),
    AfterValidator(_lines),
    Field(description="What the customer wants the store to know."),
]


class Contact(Schema):
    """How the buyer is reached: by e-mail, by phone, or both."""

    model_config = ConfigDict(frozen=True)

    name: PersonName
    email: Email | None = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.email is None and self.phone is None:
            message = "an e-mail address or a phone number is needed"
            raise ValueError(message)
        return self


class Address(Schema):
    """Where a parcel goes. `name` and `phone` are the recipient's, where that is not the buyer."""

    model_config = ConfigDict(frozen=True)

    name: PersonName | None = None
    phone: Phone | None = None
    line1: AddressLine
    line2: AddressLine | None = None
    city: AddressLine
    region: AddressLine | None = Field(default=None, description="Division, district, state or province.")
    postal_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,16}$")] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "BD"


class Personal(Schema):
    """Everything that an order knows of a person."""

    model_config = ConfigDict(frozen=True)

    contact: Contact
    shipping_address: Address | None = None
    note: Note | None = None
