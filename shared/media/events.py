"""What media tells the world: which picture, and what became of it."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import MediaId

_MEDIA = ids.decode("media", "media_01h455vb4pex5vsknk084sn02q")


class _AboutMedia(DomainEvent):
    entity: ClassVar[str] = "media"

    media_id: MediaId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the picture and its version."""
        return self.media_id, self.version


class MediaUploaded(_AboutMedia):
    """A merchant says that a picture's file is there; it waits to be looked at."""

    type: ClassVar[str] = "media.uploaded"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(media_id=_MEDIA, version=2)


class MediaReady(_AboutMedia):
    """A picture has its renditions and can be shown."""

    type: ClassVar[str] = "media.ready"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(media_id=_MEDIA, version=3)


class MediaRefused(_AboutMedia):
    """A file is no picture that we take; `reason` is the code of why."""

    type: ClassVar[str] = "media.refused"

    reason: str

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(media_id=_MEDIA, version=3, reason="truncated")


class MediaFailed(_AboutMedia):
    """A picture could not be had: its file never came, or its server does not give it out; `reason` is the code."""

    type: ClassVar[str] = "media.failed"

    reason: str

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(media_id=_MEDIA, version=2, reason="not_found")


class MediaDeleted(_AboutMedia):
    """A merchant deleted a picture; it is shown no more."""

    type: ClassVar[str] = "media.deleted"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(media_id=_MEDIA, version=4)
