"""The one picture of a brand or a category: it must be there, or on its way."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import errors
from shared.core.errors import FieldError, ValidationFailed
from shared.media import usable


def require(session: Session, media_id: UUID | None) -> None:
    """Refuse a picture that the store does not have, or that will never be shown. One statement, none without an id.

    Raises:
        ValidationFailed: there is no such picture, or it was deleted, refused or never arrived.
    """
    if media_id is not None and not usable.usable(session, [media_id]):
        detail = "The store has no such picture, or it was refused."
        raise ValidationFailed(detail, errors=[FieldError(errors.pointer("media_id"), "unknown_media", detail)])
