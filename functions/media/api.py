"""Pictures over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from typing import Annotated

from fastapi import Depends

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.paging import InvalidListing, ListQuery, Page
from shared.core.request import ExpectedVersion, StoreSession
from shared.core.typeids import MediaId
from shared.media import queries, uploads
from shared.media.queries import MEDIA_LIST
from shared.media.schemas import MediaOut, NewMedia, NewMediaOut

api = Api("media", prefix="/api/v1/media", audience="merchant")


@api.get("", permission="product.read", raises=(InvalidListing,))
def list_media(query: Annotated[ListQuery, Depends(MEDIA_LIST.query)], session: StoreSession) -> Page[MediaOut]:
    """List the store's pictures, the newest first."""
    found, page, total = queries.list_media(session, query)
    return Page[MediaOut](data=[MediaOut.of(asset) for asset in found], page=page, total=total)


@api.post("", status_code=201, permission="product.write", uses=("uploads",))
def begin_upload(media: NewMedia, session: StoreSession) -> NewMediaOut:
    """Begin to upload a picture: send the file by the form in the answer, then call `uploaded`.

    The form is good for an hour, for one file of this type and of at most this size.
    """
    return NewMediaOut.of(*uploads.begin(session, media))


@api.get("/{media_id}", permission="product.read")
def get_media(media_id: MediaId, session: StoreSession) -> MediaOut:
    """Read one picture: how far it is, why it was refused, or where its renditions are."""
    return MediaOut.of(queries.get_media(session, media_id))


@api.post("/{media_id}/uploaded", permission="product.write")
def finish_upload(media_id: MediaId, session: StoreSession) -> MediaOut:
    """Say that the file is there. It is looked at within seconds; `media.ready` or `media.refused` tells the end."""
    return MediaOut.of(uploads.finish(session, media_id))


@api.delete("/{media_id}", permission="product.write", raises=(StaleVersion,))
def delete_media(media_id: MediaId, session: StoreSession, expected_version: ExpectedVersion) -> MediaOut:
    """Delete a picture, wherever it is shown."""
    return MediaOut.of(uploads.delete(session, media_id, expected_version=expected_version))


handler = api.lambda_handler()
