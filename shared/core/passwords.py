"""Passwords: kept as argon2id hashes, checked in the same time whether or not there is one, refused where guessable.

OWASP's parameters for argon2id that fit a small Lambda: 19 MiB, two passes, one lane. A hash names its own, so that
stronger ones take over at each person's next sign-in (`needs_rehash`).

What is refused follows NIST SP 800-63B and ASVS 6.2: too short, known to everybody, or the person's own name. Nothing
asks for a capital or a digit, which make passwords no harder to guess and harder to remember, and none expires.
A password is taken exactly as it was typed: nothing is cut, stripped or lowered.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared.core.errors import FieldError, Problem, pointer

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8  # characters; 15 are what we recommend
LONGEST = 128

_MEMORY, _PASSES, _LANES = 19_456, 2, 1  # KiB; 22 ms of one core
_COMMON = Path(__file__).with_name("common_passwords.txt")
_SHORTEST_WORD = 4  # characters; a name of three stands in too much else
# A hash of these parameters that no password has: what is checked where there is none.
_NOBODYS = f"$argon2id$v=19$m={_MEMORY},t={_PASSES},p={_LANES}${'A' * 22}${'A' * 43}"


class PasswordRefused(Problem):
    """The password could be guessed: it is too short, among the most common, or little more than a name; or too long.

    `reason` says which: `too_short`, `too_long`, `too_common`, `about_you`, `used_before`.
    """

    status = 422
    code = "password_refused"
    title = "Choose another password"

    def __init__(self, reason: str, detail: str, *, field: str = "password") -> None:
        """Point at the field that holds the password."""
        error = FieldError(pointer("body", field), code=reason, message=detail)
        super().__init__(detail, errors=(error,), reason=reason)


def hash(password: str) -> str:  # noqa: A001 -- read as passwords.hash
    """Return what is kept of a password: argon2id with a salt of its own. Costs some 20 ms of CPU."""
    return _hasher().hash(_as_bytes(password))


def matches(hash: str | None, password: str) -> bool:  # noqa: A002 -- the hash of the password
    """Tell whether the password is the one that was hashed.

    Without a hash the same work is done in vain, so that time does not tell who has an account.
    """
    from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415 -- for the few functions that check passwords

    try:
        _hasher().verify(_NOBODYS if hash is None else hash, _as_bytes(password))
    except VerifyMismatchError:
        return False
    return hash is not None


def needs_rehash(hash: str) -> bool:  # noqa: A002 -- the hash of the password
    """Tell whether it was made with other parameters than today's."""
    return _hasher().check_needs_rehash(hash)


def require_good(password: str, *, about: Iterable[str], field: str = "password") -> None:
    """Refuse a password that could be guessed.

    `about`: what somebody may know of the person: their address, their name, their store's. A password may hold it,
    and needs as much again that is not. `field` is the one that held it, for the answer.

    Raises:
        PasswordRefused: choose another one.
    """
    if len(password) < SHORTEST:
        detail = f"A password has at least {SHORTEST} characters; 15 are better, and a few words make them."
        raise PasswordRefused("too_short", detail, field=field)
    if len(password) > LONGEST:
        raise PasswordRefused("too_long", f"A password has at most {LONGEST} characters.", field=field)
    plain = password.casefold()
    if is_common(plain) or len(set(plain)) == 1:
        detail = "Many people choose this password, so it is among the first that a thief tries. Choose another one."
        raise PasswordRefused("too_common", detail, field=field)
    own = plain
    for word in sorted(_words(about), key=len, reverse=True):
        own = own.replace(word, "")
    if own != plain and (len(own) < SHORTEST or is_common(own)):
        detail = "This password is little more than your name, your address or your store's name. Choose another one."
        raise PasswordRefused("about_you", detail, field=field)


def is_common(password: str) -> bool:
    """Tell whether a password, in lower case, is among the 11,600 long enough that people choose most."""
    return password in _common()


@cache
def _common() -> frozenset[str]:
    lines = _COMMON.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if not line.startswith("# "))


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher, Type  # noqa: PLC0415 -- for the few functions that check passwords

    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY, parallelism=_LANES, type=Type.ID)


def _words(about: Iterable[str]) -> set[str]:
    """Return what stands for somebody: each text whole, and its parts (of an address, of a name)."""
    words = {"stormcom"}
    for text in about:
        whole = text.casefold()
        words |= {whole, *whole.replace("@", " ").replace(".", " ").split()}
    return {word for word in words if len(word) >= _SHORTEST_WORD}


def _as_bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")  # half a character is none, and no reason to fail
