"""The link by which a guest reads their order: signed for one store and order, and good until a moment.

A token is the moment of its end (5 bytes, in seconds) and the first 16 bytes of an HMAC over store, order and moment,
under a key of the store's own that the key provider derives; 28 characters, so that the link fits a text message. An
order's number opens nothing: numbers can be guessed.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from shared.core import clock, encryption, ids
from shared.core.errors import NotFound, Problem
from shared.core.settings import settings

_PURPOSE = "orders.guest_link"
_MOMENT = 5  # bytes: enough seconds for 34,000 years
_SIGNATURE = 16  # bytes; 128 bits are beyond guessing
_LENGTH = 28  # characters of base64 that 21 bytes make


class LinkExpired(Problem):
    """The link to the order was good once, and its time is over."""

    status = 410
    code = "link_expired"
    title = "Link expired"


def make(store_id: UUID, order_id: UUID, *, expires_at: datetime) -> str:
    """Return the token of a link to an order of the store."""
    moment = int(expires_at.timestamp()).to_bytes(_MOMENT, "big")
    return base64.urlsafe_b64encode(moment + _signature(store_id, order_id, moment)).decode()


def require(store_id: UUID, order_id: UUID, token: str) -> None:
    """Refuse a token that does not open this order of this store, now. Takes the same time whatever is wrong.

    Raises:
        NotFound: it is no token, forged, or another order's or store's: to its holder there is no order.
        LinkExpired: it was this order's, and its time is over.
    """
    moment, signature = _parts(token)
    if not hmac.compare_digest(signature, _signature(store_id, order_id, moment)):
        raise NotFound("There is no order behind this link.")
    if datetime.fromtimestamp(int.from_bytes(moment, "big"), UTC) <= clock.now():
        raise LinkExpired("This link has expired; ask the shop for a new one.")


def address(store_id: UUID, order_id: UUID, *, publishable_key: str | None, days: int) -> str:
    """Return the link itself, for programs, good for `days` from now. The publishable key in it names the store."""
    return f"{_path(order_id)}?{_query(store_id, order_id, publishable_key=publishable_key, days=days)}"


def page_address(store_id: UUID, order_id: UUID, *, publishable_key: str | None, days: int) -> str:
    """Return the same link for people: to a page that shows the order."""
    return f"{_path(order_id)}/page?{_query(store_id, order_id, publishable_key=publishable_key, days=days)}"


def _path(order_id: UUID) -> str:
    return f"{settings().public_url}/api/v1/storefront/orders/{ids.encode('ord', order_id)}"


def _query(store_id: UUID, order_id: UUID, *, publishable_key: str | None, days: int) -> str:
    token = make(store_id, order_id, expires_at=clock.now() + timedelta(days=days))
    return urlencode({"token": token} | ({"publishable_key": publishable_key} if publishable_key else {}))


def _parts(token: str) -> tuple[bytes, bytes]:
    try:
        raw = base64.urlsafe_b64decode(token) if len(token) == _LENGTH and token.isascii() else b""
    except (ValueError, binascii.Error):
        raw = b""
    raw = raw if len(raw) == _MOMENT + _SIGNATURE else bytes(_MOMENT + _SIGNATURE)
    return raw[:_MOMENT], raw[_MOMENT:]


def _signature(store_id: UUID, order_id: UUID, moment: bytes) -> bytes:
    return encryption.blind_index(store_id, _PURPOSE, f"{order_id}:{moment.hex()}")[:_SIGNATURE]
