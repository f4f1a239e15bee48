"""How often somebody may try: by the contact that is named, by where they come from, and by the store as a whole.

Counted before anything is looked up, so that a refusal tells nothing of who has an account. A carrier puts hundreds of
phones behind one address of the network, so that limit is a wide one; the store's own bounds what text messages cost.
"""

import ipaddress
from datetime import timedelta
from uuid import UUID

from shared.core import context
from shared.core.throttling import Limit, take_each
from shared.customers.contacts import Reach

_HOUR = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)


def take_code(store_id: UUID, reach: Reach) -> None:
    """Count a code that is going to be sent.

    Raises:
        TooManyRequests: the contact, the address of the network or the store has had too many.
    """
    _take(store_id, "code", reach.found_by, most=(5, 60, 2000), within=_HOUR)


def take_password(store_id: UUID, reach: Reach) -> None:
    """Count a password that is going to be checked.

    Raises:
        TooManyRequests: too many were tried for the contact, from the address of the network, or in the store.
    """
    _take(store_id, "password", reach.found_by, most=(10, 100, 5000), within=_QUARTER)


def take_current_password(store_id: UUID, customer_id: UUID) -> None:
    """Count a current password that is going to be checked, of who is signed in.

    Raises:
        TooManyRequests: too many were tried.
    """
    take_each(store_id, Limit("customers.current_password", str(customer_id), 10, _QUARTER))


def take_proof(store_id: UUID) -> None:
    """Count a code that is going to be compared: each has five tries of its own, and many may be guessed at once.

    Raises:
        TooManyRequests: too many were tried from the address of the network, or in the store.
    """
    _take(store_id, "proof", None, most=(0, 200, 10_000), within=_QUARTER)


def _take(store_id: UUID, what: str, contact: str | None, *, most: tuple[int, int, int], within: timedelta) -> None:
    of_contact, of_network, of_store = most
    limits = [
        Limit(f"customers.{what}.network", _network(), of_network, within),
        Limit(f"customers.{what}.store", str(store_id), of_store, within),
    ]
    if contact is not None:
        limits.append(Limit(f"customers.{what}.contact", contact, of_contact, within))
    take_each(store_id, *limits)


def _network() -> str:
    """Return where the request comes from; of IPv6 the first half, which is one household's."""
    ip = context.current().ip or ""
    try:
        parsed = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    return str(parsed) if parsed.version == 4 else str(ipaddress.ip_network((parsed, 64), strict=False))  # noqa: PLR2004 -- IPv4
