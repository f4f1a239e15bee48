"""What stores tell the world."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import StoreId


class StoreOpened(DomainEvent):
    """A store was opened."""

    type: ClassVar[str] = "store.opened"
    entity: ClassVar[str] = "store"

    store_id: StoreId
    slug: str
    currency: str

    def subject(self) -> tuple[UUID, int]:
        """Return the store, at its first version."""
        return self.store_id, 1

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(store_id=ids.decode("store", "store_01h455vb4pex5vsknk084sn02q"), slug="rupali", currency="BDT")


class StoreUpdated(DomainEvent):
    """A store's name, languages, origins or settings changed; read the store for what they are now."""

    type: ClassVar[str] = "store.updated"
    entity: ClassVar[str] = "store"

    store_id: StoreId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the store and its version."""
        return self.store_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(store_id=ids.decode("store", "store_01h455vb4pex5vsknk084sn02q"), version=2)
