"""How often people may try what could be guessed, or what sends somebody a mail.

Three limits at a sign-in: of the address that it comes from, of the account, and of the two together, which is the
narrowest. A thief at many addresses meets the account's, one with many accounts the address's. A whole office, or a
provider's customers, share an address, so its limit is wide. All are taken before anything is looked up, and are the
same for accounts that exist and that don't.
"""

import ipaddress
from datetime import timedelta
from uuid import UUID

from shared.core import context, throttling
from shared.core.idempotency import PLATFORM_STORE
from shared.core.throttling import Limit

_SUBSCRIBER = 64  # bits of an IPv6 address that a provider gives to one subscriber
_QUARTER, _HOUR = timedelta(minutes=15), timedelta(hours=1)


def _address() -> str:
    """Return where the present request comes from; of IPv6 the network, since one subscriber has all of it."""
    told = context.current().ip
    if told is None:
        return ""
    address = ipaddress.ip_address(told)
    if address.version == 4:  # noqa: PLR2004 -- of IP
        return told
    return str(address.ipv4_mapped or ipaddress.IPv6Network((address, _SUBSCRIBER), strict=False))


def before_signing_in(email_index: bytes) -> None:
    """Take a try of a sign-in.

    Raises:
        TooManyRequests: there is none left at present.
    """
    account, address = email_index.hex(), _address()
    throttling.take_each(
        PLATFORM_STORE,
        Limit("sign_in.both", f"{account} {address}", most=10, within=_QUARTER),
        Limit("sign_in.account", account, most=30, within=_HOUR),
        Limit("sign_in.address", address, most=100, within=_HOUR),
    )


def before_asking_an_issuer() -> None:
    """Take a sign-in by an account at another issuer, which has us ask it.

    Raises:
        TooManyRequests: there were too many from where this came.
    """
    throttling.take(PLATFORM_STORE, "issuer.address", context.current().ip or "", most=100, within=_HOUR)


def before_mailing(email_index: bytes) -> None:
    """Take a mail that a stranger may have us send to an address.

    Raises:
        TooManyRequests: it had its mails.
    """
    throttling.take_each(
        PLATFORM_STORE,
        Limit("mail.account", email_index.hex(), most=3, within=_HOUR),
        Limit("mail.address", _address(), most=30, within=_HOUR),
    )


def before_proving(user_id: UUID) -> None:
    """Take a try of proving who one is, for somebody who is known: by their session, or by a link.

    Raises:
        TooManyRequests: there is none left at present.
    """
    throttling.take(user_id, "prove", str(user_id), most=10, within=_QUARTER)
