"""Who buys and where it goes, as people write it, brought into the one form in which orders keep it."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.core import emails, encryption, phones
from shared.core.emails import Email
from shared.core.errors import FieldError, ValidationFailed, pointer
from shared.core.schemas import Input
from shared.orders.contacts import AddressLine, Contact, Note, Personal, PersonName
from shared.stores.queries import StoreFacts

CONTACT_INDEX = "checkouts.contact"
IP_INDEX = "checkouts.ip"

WrittenPhone = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=40),
    Field(description="As +8801712345678, or as it is dialled in the store's country.", examples=["01712-345678"]),
]


class ContactIn(Input):
    """How the buyer is reached: by e-mail, by phone, or both."""

    model_config = ConfigDict(frozen=True)

    name: PersonName
    email: Email | None = None
    phone: WrittenPhone | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.email is None and self.phone is None:
            message = "an e-mail address or a phone number is needed"
            raise ValueError(message)
        return self


class AddressIn(Input):
    """Where a parcel goes. `name` and `phone` are the recipient's, where that is not the buyer."""

    model_config = ConfigDict(frozen=True)

    name: PersonName | None = None
    phone: WrittenPhone | None = None
    line1: AddressLine = Field(description="House and road.")
    line2: AddressLine | None = Field(default=None, description="Flat, floor, landmark.")
    area: AddressLine | None = Field(default=None, description="Area, thana or upazila.")
    city: AddressLine
    district: AddressLine | None = Field(default=None, description="District, state or province.")
    postal_code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 -]{1,16}$")] | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = Field(
        default=None, description="ISO 3166; the store's own where it is absent."
    )


class BuyerIn(Input):
    """Who buys, where it goes, and what they want the store to know."""

    model_config = ConfigDict(frozen=True)

    contact: ContactIn
    shipping_address: AddressIn | None = None
    note: Note | None = None
    locale: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)] | None = (
        Field(
            default=None,
            description="BCP 47: the language to write to the buyer in; the store's own where it is absent.",
        )
    )


def personal(buyer: BuyerIn, store: StoreFacts, *, ships: bool) -> Personal:
    """Return the buyer as an order keeps them: phones in E.164 (those without a prefix are of the store's country).

    Raises:
        ValidationFailed: a phone number is none, or there is no address for what has to be sent.
    """
    contact, address = buyer.contact, buyer.shipping_address
    if ships and address is None:
        missing = FieldError(pointer("shipping_address"), "missing", "Say where it has to be sent.")
        detail = "Some of this has to be sent somewhere."
        raise ValidationFailed(detail, errors=[missing])
    return Personal.model_validate(
        {
            "contact": {
                "name": contact.name,
                "email": contact.email,
                "phone": _phone(contact.phone, store, pointer("contact", "phone")),
            },
            "shipping_address": _address(address, store) if address is not None else None,
            "note": buyer.note or None,
        },
        context=phones.AS_STORED,
    )


def contact_index(store_id: UUID, contact: Contact) -> bytes:
    """Return what tells one buyer's checkouts from another's without naming them: of the phone, else of the e-mail."""
    value = contact.phone or emails.for_lookup(contact.email or "")
    return encryption.blind_index(store_id, CONTACT_INDEX, value)


def ip_index(store_id: UUID, ip: str | None) -> bytes | None:
    """Return the same for the address of the network that a request came from."""
    return encryption.blind_index(store_id, IP_INDEX, ip) if ip else None


def _address(address: AddressIn, store: StoreFacts) -> dict[str, str | None]:
    return {
        "name": address.name,
        "phone": _phone(address.phone, store, pointer("shipping_address", "phone")),
        "line1": address.line1,
        "line2": ", ".join(part for part in (address.line2, address.area) if part)[:300] or None,
        "city": address.city,
        "region": address.district,
        "postal_code": address.postal_code,
        "country": address.country or store.country,
    }


def _phone(written: str | None, store: StoreFacts, where: str) -> str | None:
    if written is None:
        return None
    try:
        return phones.normalize(written, store.country)
    except ValueError as wrong:
        refused = FieldError(where, "phone_invalid", str(wrong))
        detail = "A phone number is wrong; see errors."
        raise ValidationFailed(detail, errors=[refused]) from wrong
