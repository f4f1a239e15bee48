"""What a merchant sets for their store's commerce; kept as JSON in `stores.settings`, with defaults for Bangladesh."""

from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field, StrictBool

from shared.core.schemas import Input

Amount = Annotated[int, Field(strict=True, ge=0, le=10**12, description="Minor units of the store's currency.")]


class CommerceSettings(Input):
    """How the store sells: what shipping and tax are, how long stock is held, and how much one guest may hold."""

    model_config = ConfigDict(frozen=True)

    shipping_flat_rate: Amount = 6000  # 60 taka, what a parcel inside Dhaka costs
    tax_rate: Annotated[Decimal, Field(ge=0, le=1, max_digits=7, decimal_places=6)] = Decimal(0)
    prices_include_tax: StrictBool = True
    reservation_minutes: Annotated[int, Field(strict=True, ge=1, le=120)] = 15
    low_stock_threshold: Annotated[int, Field(strict=True, ge=0, le=10**6)] = 5
    order_link_days: Annotated[int, Field(strict=True, ge=1, le=365)] = 90
    max_open_checkouts_per_phone: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5
    max_open_checkouts_per_ip: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 20  # carriers put many behind one
