"""How a customer is reached: one e-mail address or phone number, in the one spelling by which it is found again."""

from dataclasses import dataclass
from typing import Literal, Self
from uuid import UUID

from pydantic import model_validator

from shared.checkout.persons import WrittenPhone
from shared.core import emails, encryption, phones
from shared.core.emails import Email
from shared.core.errors import FieldError, ValidationFailed, pointer
from shared.core.schemas import Input
from shared.messaging.models import ChannelKind
from shared.stores.queries import StoreFacts

Kind = Literal["email", "phone"]


class ContactIn(Input):
    """An e-mail address or a phone number, one of them."""

    email: Email | None = None
    phone: WrittenPhone | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.email is None) == (self.phone is None):
            message = "say an e-mail address or a phone number, one of them"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class Reach:
    """One way to reach a person; `value` is a normalized address, or a number in E.164."""

    kind: Kind
    value: str

    @property
    def found_by(self) -> str:
        """What is the same for every spelling of it."""
        return emails.for_lookup(self.value) if self.kind == "email" else self.value

    @property
    def channel(self) -> ChannelKind:
        """How a message gets there."""
        return ChannelKind.EMAIL if self.kind == "email" else ChannelKind.SMS

    def index(self, store_id: UUID) -> bytes:
        """Return its blind index among the store's customers."""
        return encryption.blind_index(store_id, f"customers.{self.kind}", self.found_by)


def reach(contact: ContactIn, store: StoreFacts) -> Reach:
    """Return the contact in its one spelling; a number without a country code is of the store's country.

    Raises:
        ValidationFailed: it is no phone number there.
    """
    if contact.email is not None:
        return Reach("email", contact.email)
    try:
        return Reach("phone", phones.normalize(contact.phone or "", store.country))
    except ValueError as wrong:
        refused = FieldError(pointer("phone"), "phone_invalid", str(wrong))
        detail = "This is no phone number; see errors."
        raise ValidationFailed(detail, errors=[refused]) from wrong
