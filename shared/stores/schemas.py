"""What comes in and goes out about stores."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StringConstraints

from shared.core.emails import Email
from shared.core.money import Currency
from shared.core.schemas import Input, Schema
from shared.core.typeids import OrganizationId, StoreId
from shared.stores.models import Store, StoreStatus
from shared.stores.settings import CommerceSettings

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"),
    Field(description="The store's name in addresses: lower-case letters, digits, hyphens.", examples=["rupali"]),
]
Origin = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$", max_length=260),
    Field(description="A browser's origin that may read the store's answers.", examples=["https://rupali.example"]),
]
Origins = Annotated[list[Origin], Field(max_length=20)]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[A-Z]{2})?$"), Field(examples=["bn-BD"])]
TimeZone = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(examples=["Asia/Dhaka"])]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Field(examples=["BD"])]


class NewStore(Input):
    """A new store."""

    name: Name
    slug: Slug
    currency: Currency = "BDT"
    locale: Locale = "bn-BD"
    time_zone: TimeZone = "Asia/Dhaka"
    country: Country = "BD"
    allowed_origins: Origins = Field(default_factory=list)
    settings: CommerceSettings = CommerceSettings()


class OpenStore(NewStore):
    """A new store, of a new organization or of an existing one."""

    owner_email: Email
    organization_id: OrganizationId | None = None
    organization_name: Name | None = None


class EditStore(Input):
    """What to change of a store; what is absent stays. The slug and the currency stay for good."""

    name: Name | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None
    allowed_origins: Origins | None = None
    settings: CommerceSettings | None = None


class StoreOut(Schema):
    """A store, as its merchant sees it."""

    id: StoreId
    slug: str
    name: str
    status: StoreStatus
    currency: str
    locale: str
    time_zone: str
    country: str
    allowed_origins: list[str]
    settings: CommerceSettings
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, store: Store) -> Self:
        """Present a store."""
        return cls(
            id=store.id,
            slug=store.slug,
            name=store.name,
            status=store.status,
            currency=store.currency,
            locale=store.locale,
            time_zone=store.time_zone,
            country=store.country,
            allowed_origins=store.allowed_origins,
            settings=CommerceSettings.model_validate(store.settings, extra="ignore"),
            version=store.version,
            created_at=store.created_at,
            updated_at=store.updated_at,
        )


class StorefrontOut(Schema):
    """A store, as its shoppers see it."""

    id: StoreId
    slug: str
    name: str
    currency: str
    currency_exponent: int = Field(description="Decimals of the currency: amounts are in its minor units.")
    locale: str
    country: str
    time_zone: str
