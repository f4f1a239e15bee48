"""The form of StormCom's keys and tokens: a prefix that says what it is, randomness, and a checksum.

`sk_` + 30 characters of base 62 (178 random bits) + 6 characters of CRC-32, as GitHub's tokens: a scanner finds a
leaked one by its form and tells a real one from a made-up one without asking us, and a mistyped one costs no database
query. Only the SHA-256 of a secret is stored.
"""

import hashlib
import secrets
import string
import zlib

SECRET = "sk"  # noqa: S105 -- the prefix of merchants' secret API tokens, not a secret
PUBLISHABLE = "pk"  # a storefront's key: names the store, allows what any shopper may do
PLATFORM = "op"  # a platform operator's token
SESSION = "ss"  # a person's session, in a cookie
CUSTOMER = "ca"  # a customer's access to one store, for minutes
REFRESH = "cr"  # by which a customer's access is renewed, once
INVITATION = "iv"  # in the letter that asks somebody to join an organization

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_LENGTH = 30
_CHECKSUM_LENGTH = 6


def generate(prefix: str) -> str:
    """Make a new credential of that prefix."""
    body = _in_base_62(secrets.randbelow(len(_ALPHABET) ** _RANDOM_LENGTH), _RANDOM_LENGTH)
    return f"{prefix}_{body}{_checksum(prefix, body)}"


def derived(prefix: str, seed: bytes) -> str:
    """Return the credential that a secret leads to, the same each time. `seed`: 32 bytes of an HMAC."""
    body = _in_base_62(int.from_bytes(seed, "big"), _RANDOM_LENGTH)
    return f"{prefix}_{body}{_checksum(prefix, body)}"


def is_well_formed(prefix: str, credential: str) -> bool:
    """Tell whether the text has the form of a credential of that prefix, checksum included."""
    head, _, tail = credential.partition("_")
    body, checksum = tail[:_RANDOM_LENGTH], tail[_RANDOM_LENGTH:]
    if head != prefix or len(checksum) != _CHECKSUM_LENGTH or not tail.isascii() or not tail.isalnum():
        return False
    return checksum == _checksum(prefix, body)


def digest(credential: str) -> bytes:
    """Return what is stored of a credential: its SHA-256. It has 178 random bits, so no salt or slow hash is needed."""
    return hashlib.sha256(credential.encode()).digest()


def _checksum(prefix: str, body: str) -> str:
    return _in_base_62(zlib.crc32(f"{prefix}_{body}".encode()), _CHECKSUM_LENGTH)


def _in_base_62(number: int, length: int) -> str:
    """Return the number's last digits."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
