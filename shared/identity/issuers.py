"""OpenID Connect issuers whose accounts let people in: which there are, where they answer, and what they signed.

Any issuer, by configuration: STORMCOM_ISSUERS names a file or a secret that holds a JSON list of
`{"name", "issuer", "client_id", "client_secret"}`. Where an issuer's endpoints and keys are, it tells itself
(OpenID Connect Discovery); what it told is kept for an hour, and its keys are read anew for one that is not among them.
Talks to the outside: never within a transaction.
"""

import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.core import clock
from shared.core.errors import NotFound, Problem
from shared.core.settings import settings

_KEPT = timedelta(hours=1)
_PATIENCE = 5  # seconds, to connect and again to read
_LARGEST = 1_000_000  # bytes of an answer
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class IssuersUnusable(RuntimeError):
    """The list of issuers cannot be read, or is not what it must be. The text never holds a secret."""


class IssuerUnreachable(Problem):
    """The issuer does not answer, or not as OpenID Connect says. Try again, or sign in another way."""

    status = 502
    code = "issuer_unreachable"
    title = "The other side does not answer"
    kind = "system"
    retryable = True


class Issuer(BaseModel):
    """An issuer as it is configured; we are its client."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    issuer: str
    client_id: str
    client_secret: str = Field(repr=False)


@dataclass(frozen=True)
class Metadata:
    """What an issuer tells of itself."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


_LIST = TypeAdapter(list[Issuer])

_lock = threading.Lock()
_kept: dict[str, tuple[datetime, Any]] = {}  # by address: until when, and what was told


def names() -> list[str]:
    """Return the names of the issuers, in the order of the configuration."""
    return [one.name for one in _configured()]


def get(name: str) -> Issuer:
    """Return an issuer by its name.

    Raises:
        NotFound: there is none of this name.
    """
    found = next((one for one in _configured() if one.name == name), None)
    if found is None:
        raise NotFound("There is no issuer of this name; GET /session/issuers names those that there are.")
    return found


def metadata(issuer: Issuer) -> Metadata:
    """Return where an issuer answers.

    Raises:
        IssuerUnreachable: it does not tell.
    """
    told = _kept_or_fetched(issuer.issuer.rstrip("/") + "/.well-known/openid-configuration")
    try:
        if told["issuer"] != issuer.issuer:
            raise _unreachable()  # another issuer's document (OpenID Connect Discovery, 4.3)
        return Metadata(
            *(_checked(str(told[name])) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"))
        )
    except (KeyError, TypeError) as incomplete:
        raise _unreachable() from incomplete


def keys(issuer: Issuer, *, anew: bool = False) -> dict[str, Any]:
    """Return the keys by which an issuer signs, as a JSON Web Key Set; `anew`: not those that were kept.

    Raises:
        IssuerUnreachable: it does not tell.
    """
    address = metadata(issuer).jwks_uri
    if anew:
        with _lock:
            _kept.pop(address, None)
    told: dict[str, Any] = _kept_or_fetched(address)
    return told


def exchange(issuer: Issuer, body: str) -> dict[str, Any]:
    """Send the issuer a token request, in our name; return what it answers.

    Raises:
        IssuerUnreachable: it does not answer.
    """
    from authlib.oauth2.auth import encode_client_secret_basic  # noqa: PLC0415 -- see `_fetch`

    address = metadata(issuer).token_endpoint
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    _, headers, body = encode_client_secret_basic(issuer, "POST", address, headers, body)
    answer: dict[str, Any] = _fetch("POST", address, body=body, headers=headers)
    return answer


def forget() -> None:
    """Forget what issuers told: between tests."""
    with _lock:
        _kept.clear()


def _configured() -> list[Issuer]:
    source, _, place = (settings().issuers or "").partition(":")
    if not source:
        return []
    try:
        text = Path(place).read_text(encoding="utf-8") if source == "file" else _secret(place)
        return _LIST.validate_json(text)
    except (OSError, ValidationError):
        message = "The list of issuers cannot be read, or lacks a field."
        raise IssuersUnusable(message) from None


def _secret(name: str) -> str:
    import boto3  # noqa: PLC0415 -- 100 ms that only such a sign-in in the cloud pays
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- the same

    try:
        return boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        message = "The secret that lists the issuers cannot be read."
        raise IssuersUnusable(message) from error


def _kept_or_fetched(address: str) -> Any:  # noqa: ANN401 -- JSON of any shape
    with _lock:
        kept = _kept.get(address)
    if kept is not None and clock.now() < kept[0]:
        return kept[1]
    told = _fetch("GET", _checked(address))
    with _lock:
        _kept[address] = clock.now() + _KEPT, told
    return told


def _checked(address: str) -> str:
    """Refuse an address that anybody on the way could read; on this machine alone there is nobody."""
    parts = urlsplit(address)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise _unreachable()
    return address


def _fetch(method: str, address: str, **request: Any) -> Any:  # noqa: ANN401 -- JSON of any shape
    import urllib3  # noqa: PLC0415 -- 30 ms that only such a sign-in pays

    try:
        answer = urllib3.request(
            method,
            address,
            retries=False,
            redirect=False,
            timeout=urllib3.Timeout(connect=_PATIENCE, read=_PATIENCE),
            preload_content=False,
            **request,
        )
        try:
            content = answer.read(_LARGEST + 1, decode_content=True)
        finally:
            answer.release_conn()
        told = json.loads(content) if len(content) <= _LARGEST else None
    except (urllib3.exceptions.HTTPError, ValueError) as failed:
        raise _unreachable() from failed
    if not isinstance(told, dict) or answer.status >= 500:  # noqa: PLR2004 -- HTTP's own border
        raise _unreachable()
    return told


def _unreachable() -> IssuerUnreachable:
    return IssuerUnreachable("The issuer does not answer as it should. Try again, or sign in another way.")
