"""What comes in and goes out about pictures."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from shared.core.schemas import Input, Schema
from shared.core.storage import Form
from shared.core.typeids import MediaId
from shared.media import queries, refusals
from shared.media.models import MediaAsset, MediaSource
from shared.media.states import MediaStatus

MOST_BYTES = 20 * 1024 * 1024  # of a file: what the cameras of telephones make, and twice that


class NewMedia(Input):
    """A picture that is to be uploaded: as the merchant's machine calls it, its type, and its exact size or more."""

    file_name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    media_type: Literal["image/avif", "image/gif", "image/jpeg", "image/png", "image/webp"]
    size_bytes: Annotated[int, Field(strict=True, ge=1, le=MOST_BYTES, examples=[245_000])]


class RefusalOut(Schema):
    """Why a picture is not shown: a stable code, and a sentence for its merchant. While it is queued: why not yet."""

    code: str = Field(examples=["truncated"])
    message: str


class SourceOut(Schema):
    """The addresses of a picture in one format, as the `srcset` of an HTML `<source>` has them."""

    type: str = Field(examples=["image/avif"])
    srcset: str = Field(examples=["https://shop.example/media/.../320-1f0c.avif 320w, ..."])


class PictureOut(Schema):
    """A picture as shops show it: a JPEG for everybody, and `sources` in the order in which browsers should choose.

    The addresses never change what they lead to. `width` and `height` are the original's, for the page's layout.
    """

    url: str
    width: int
    height: int
    sources: list[SourceOut]


class MediaOut(Schema):
    """A picture, as its merchant sees it. `picture` is there once it is ready: look again, or take events."""

    id: MediaId
    status: MediaStatus
    source: MediaSource
    source_url: str | None
    file_name: str
    media_type: str | None
    size_bytes: int | None
    refusal: RefusalOut | None
    picture: PictureOut | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, asset: MediaAsset) -> Self:
        """Present a picture."""
        shown = queries.of(asset).on_the_wire()
        return cls(
            id=asset.id,
            status=MediaStatus(asset.status),
            source=MediaSource(asset.source),
            source_url=asset.source_url,
            file_name=asset.file_name,
            media_type=asset.media_type,
            size_bytes=asset.size_bytes,
            refusal=RefusalOut(code=asset.refusal, message=refusals.sentence(asset.refusal)) if asset.refusal else None,
            picture=PictureOut.model_validate(shown) if shown else None,
            version=asset.version,
            created_at=asset.created_at,
            updated_at=asset.updated_at,
        )


class UploadForm(Schema):
    """Where to send the file: a multipart POST of these fields, and after them the file, as the field `file`."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class NewMediaOut(Schema):
    """A picture that waits for its file, and the form to send it by."""

    media: MediaOut
    upload: UploadForm

    @classmethod
    def of(cls, asset: MediaAsset, form: Form, expires_at: datetime) -> Self:
        """Present what was begun."""
        upload = UploadForm(url=form.url, fields=form.fields, expires_at=expires_at)
        return cls(media=MediaOut.of(asset), upload=upload)
