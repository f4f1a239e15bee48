"""What search tells the world, and itself."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import StoreId

_STORE = ids.decode("store", "store_01h455vb4pex5vsknk084sn02q")


class SummariesRebuildRequested(DomainEvent):
    """Somebody wants everything that shoppers are shown to be made anew."""

    type: ClassVar[str] = "summaries.rebuild_requested"
    entity: ClassVar[str] = "store"

    store_id: StoreId

    def subject(self) -> tuple[UUID, int]:
        """Return the store. It has not changed, so there is no version to tell."""
        return self.store_id, 0

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(store_id=_STORE)


class SummariesDrifted(DomainEvent):
    """The nightly check found products that shoppers were shown wrongly, and set them right. Healthy systems tell none.

    `missing`: they were on sale and not shown. `stale`: they were shown as they had been. `left_over`: they were shown
    and not on sale. One chunk of a check's, so a check may tell several.
    """

    type: ClassVar[str] = "summaries.drifted"
    entity: ClassVar[str] = "store"

    store_id: StoreId
    missing: int
    stale: int
    left_over: int

    def subject(self) -> tuple[UUID, int]:
        """Return the store. It has not changed, so there is no version to tell."""
        return self.store_id, 0

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(store_id=_STORE, missing=0, stale=2, left_over=0)
