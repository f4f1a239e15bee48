"""How a picture is named in a file: by the address where it is fetched, or as one that is here already."""

import re
from typing import Any, Final
from uuid import UUID

from shared.core import ids
from shared.core.settings import settings

_OWN: Final = re.compile(r"(https?://[^#]+)#(media_[0-7][0-9a-hjkmnp-tv-z]{25})")


def picture_at(address: str) -> dict[str, Any] | None:
    """Return which picture is meant by an address: one of ours that an export named, or one to be fetched."""
    own = _OWN.fullmatch(address)
    if own is not None and own[1].startswith(settings().public_url):
        return {"media_id": own[2]}
    return {"url": address} if re.match(r"https?://[^\s/]", address) else None


def address_of(media_id: UUID, *, source: str | None, shown_at: str | None) -> str:
    """Return the address by which a picture is exported: where it came from, or where it is shown, with its id."""
    if source is not None:
        return source
    return f"{shown_at or settings().public_url + '/media'}#{ids.encode('media', media_id)}"
