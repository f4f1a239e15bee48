"""E-mail addresses: one spelling each, and a simple rule for what is one.

The rule: one @; before it 1 to 64 ASCII letters, digits, dots and the marks that HTML's own e-mail field allows, no dot
at either end and no two in a row; after it a domain of at least two labels in ASCII (an international domain as
`xn--...`), whose last label is not a number; 254 characters at most. No quoted parts, comments or address literals,
which mail providers refuse. Whether a mailbox exists only a mail can tell: nothing here asks DNS.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

_LONGEST = 254  # characters; the path of RFC 5321, without its brackets
_LONGEST_LOCAL = 64
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOCAL_FORM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_DOMAIN_FORM = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")


def normalize(text: str) -> str:
    """Strip the address and lower its domain. The part before the @ keeps its case: it is the provider's to read.

    Raises:
        ValueError: it is no e-mail address; the text is a sentence for the person who typed it.
    """
    local, at, domain = text.strip().rpartition("@")
    domain = domain.lower()
    if not at or len(local) > _LONGEST_LOCAL or len(local) + len(domain) >= _LONGEST:
        raise _refused()
    if _LOCAL_FORM.fullmatch(local) is None or _DOMAIN_FORM.fullmatch(domain) is None:
        raise _refused()
    return f"{local}@{domain}"


def for_lookup(email: str) -> str:
    """Return the form by which an address is found again: all lower-case, as people do not remember their capitals."""
    return normalize(email).lower()


def _refused() -> ValueError:
    return ValueError("An e-mail address has the form name@example.com.")


Email = Annotated[
    str,
    AfterValidator(normalize),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": _LONGEST, "examples": ["rahim@example.com"]}),
]
"""A normalized e-mail address."""
