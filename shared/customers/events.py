"""What customers' accounts tell the world: ids, and never who somebody is."""

from typing import Any, ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import CustomerId

_EXAMPLE = ids.decode("cust", "cust_01h455vb4pex5vsknk084sn02q")


class _CustomerEvent(DomainEvent):
    """What every event of a customer carries."""

    entity: ClassVar[str] = "customer"

    customer_id: CustomerId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the customer and their version."""
        return self.customer_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2))


class CustomerRegistered(_CustomerEvent):
    """A shopper has proven a contact that no customer had, and is a customer now."""

    type: ClassVar[str] = "customer.registered"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(1))


class CustomerUpdated(_CustomerEvent):
    """Something of a customer's account changed. `changed` names the fields, not what is in them."""

    type: ClassVar[str] = "customer.updated"

    changed: tuple[str, ...]

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(**_example(2), changed=("name",))


class CustomerDisabled(_CustomerEvent):
    """A customer may not sign in any more, and was signed out everywhere."""

    type: ClassVar[str] = "customer.disabled"


class CustomerEnabled(_CustomerEvent):
    """A customer may sign in again."""

    type: ClassVar[str] = "customer.enabled"


class CustomerDeleted(_CustomerEvent):
    """A customer was deleted, by themselves or by the merchant; their orders stay."""

    type: ClassVar[str] = "customer.deleted"


class CustomerRestored(_CustomerEvent):
    """A deleted customer is back."""

    type: ClassVar[str] = "customer.restored"


def _example(version: int) -> dict[str, Any]:
    return {"customer_id": _EXAMPLE, "version": version}
