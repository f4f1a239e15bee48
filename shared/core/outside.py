"""Asking servers of strangers, at addresses that strangers wrote down: they must not lead into our own network.

A name is resolved once, every address that it has must be a public one, and the connection goes to an address that was
checked, under the name for TLS and `Host`: a name that resolves elsewhere the second time changes nothing. Redirects
are followed by hand, each checked anew. No proxy, cookie or credential of ours goes along. What comes is bounded in
bytes and in time as a whole, not by pauses.
"""

import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Self
from urllib.parse import quote, urljoin, urlsplit

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Resolve = Callable[[str, int], Iterable[str]]

LONGEST_URL = 2048
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = 3
_CONNECT = 5.0  # seconds for one address
_ADDRESSES = 4  # of one name that are tried
_CHUNK = 64 * 1024
_AGENT = "StormCom/1.0 (fetches what a merchant points at)"
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?\.?")
_SPECIAL = re.compile(r"[\x00-\x1f\x7f\\]")

# Where a server on the internet can be: `is_global` alone lets NAT64, 6to4 and some of the clouds' services through.
_PUBLIC_IPV6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure's services of the host
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


class Unreachable(Exception):
    """What was asked for did not come. `code` says why; `retryable`: it may come later."""

    def __init__(self, code: str, *, retryable: bool) -> None:
        """See the class."""
        super().__init__(code)
        self.code = code
        self.retryable = retryable


@dataclass(frozen=True)
class Fetched:
    """What a server answered with 200."""

    content: bytes
    media_type: str  # as the server says, in lower case and without parameters; may be empty


@dataclass(frozen=True)
class _Place:
    scheme: str
    host: str  # ASCII, lower case
    port: int
    target: str  # path and query, as they go into the request


def is_public(address: Address) -> bool:
    """Tell whether an address is one of a server on the internet."""
    if any(address in network for network in _NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_IPV6:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def could_be_asked(url: str) -> bool:
    """Tell whether an address is one that could be asked at all; what its name resolves to is not looked at."""
    try:
        _place(url)
    except Unreachable:
        return False
    return True


class Outside:
    """A way to the internet; one object for as many requests as are made, each on a connection of its own.

    `allow` and `ports` exist for tests, whose server is on this machine: the default lets nobody in.
    """

    def __init__(
        self,
        *,
        resolve: Resolve | None = None,
        allow: Callable[[Address], bool] = is_public,
        ports: Collection[int] = frozenset(_PORTS.values()),
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """See the class. `resolve` returns a name's addresses, each as text; `trust`: whose certificates are good."""
        self._resolve = resolve or _resolved
        self._allow = allow
        self._ports = frozenset(ports)
        self._trust = trust

    def fetch(self, url: str, *, most_bytes: int, seconds: float, accepts: Collection[str]) -> Fetched:
        """Fetch what `url` leads to, in `seconds` and `most_bytes` at most.

        `accepts`: beginnings of media types. A server that says none is believed, since the content is looked at.

        Raises:
            Unreachable: it did not come, or is not what is accepted.
        """
        deadline = time.monotonic() + seconds
        for _ in range(_REDIRECTS + 1):
            found = self._ask(url, most_bytes, deadline, accepts)
            if isinstance(found, Fetched):
                return found
            url = found
        raise Unreachable("too_many_redirects", retryable=False)

    def _ask(self, url: str, most_bytes: int, deadline: float, accepts: Collection[str]) -> Fetched | str:
        place = _place(url, self._ports)
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.auto_open = 0  # or it would connect by the name, to whatever that resolves to now
        try:
            with self._connect(place, deadline) as wire:
                connection.sock = wire
                headers = {"Accept-Encoding": "identity", "User-Agent": _AGENT, "Connection": "close"}
                connection.request("GET", place.target, headers={**headers, "Host": _host_header(place)})
                with connection.getresponse() as answer:
                    return _location(url, answer) or _content(answer, most_bytes, accepts)
        except TimeoutError:
            raise Unreachable("timeout", retryable=True) from None
        except (OSError, http.client.HTTPException):
            raise Unreachable("unreachable", retryable=True) from None

    def _connect(self, place: _Place, deadline: float) -> "_Wire":
        refused: OSError | None = None
        for address in self._addresses(place, deadline)[:_ADDRESSES]:
            try:
                raw = socket.create_connection((address, place.port), timeout=min(_CONNECT, _left(deadline)))
            except OSError as error:
                refused = error
                continue
            try:
                if place.scheme == "https":
                    raw.settimeout(_left(deadline))
                    raw = (self._trust or _everybodys_trust()).wrap_socket(raw, server_hostname=place.host.rstrip("."))
            except BaseException:
                raw.close()
                raise
            return _Wire(raw, deadline)
        raise refused or OSError("no address")

    def _addresses(self, place: _Place, deadline: float) -> list[str]:
        try:
            resolved = _in_time(lambda: list(self._resolve(place.host, place.port)), deadline)
            found = [ipaddress.ip_address(address) for address in resolved]
        except TimeoutError:
            raise
        except (OSError, UnicodeError, ValueError):
            raise Unreachable("unresolvable", retryable=True) from None
        if not all(map(self._allow, found)):  # one that is not makes them all suspicious
            raise Unreachable("forbidden_address", retryable=False)
        return list(dict.fromkeys(map(str, found)))


class _Wire:
    """A socket as http.client needs one, whose every wait ends at the deadline of the whole request."""

    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self._raw, self._deadline = raw, deadline

    def sendall(self, content: bytes) -> None:
        self._raw.settimeout(_left(self._deadline))
        self._raw.sendall(content)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self._raw, self._deadline))

    def close(self) -> None:
        """Do nothing: http.client closes a connection as soon as it has read the headers of its last answer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()


class _Incoming(io.RawIOBase):
    def __init__(self, raw: socket.socket, deadline: float) -> None:
        self._raw, self._deadline = raw, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:  # noqa: ANN401 -- a writable buffer of any kind
        self._raw.settimeout(_left(self._deadline))
        return self._raw.recv_into(room)


def _in_time(look_up: Callable[[], list[str]], deadline: float) -> list[str]:
    """Look a name up. The system's resolver has no time-out of ours: a thread that waits too long is left to itself."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(look_up())
        except (OSError, UnicodeError) as failed:
            answers.put(failed)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        answer = answers.get(timeout=_left(deadline))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _place(url: str, ports: Collection[int] = frozenset(_PORTS.values())) -> _Place:
    """Read an address strictly.

    Raises:
        Unreachable: it is none that we would ask.
    """
    wrong = Unreachable("invalid_url", retryable=False)
    url = url.strip()
    if len(url) > LONGEST_URL or _SPECIAL.search(url):
        raise wrong
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode().lower()
    except (ValueError, UnicodeError):
        raise wrong from None
    if parts.scheme not in _PORTS or "@" in parts.netloc or not (_HOST.fullmatch(host) or _is_ipv6(host)):
        raise wrong
    port = _PORTS[parts.scheme] if port is None else port
    if port not in ports:
        raise wrong
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~-._?')}" if parts.query else ""
    return _Place(parts.scheme, host, port, path + query)


def _is_ipv6(host: str) -> bool:
    try:
        return "%" not in host and ipaddress.ip_address(host).version == 6  # noqa: PLR2004 -- the protocol's name
    except ValueError:
        return False


def _host_header(place: _Place) -> str:
    host = f"[{place.host}]" if ":" in place.host else place.host
    return host if place.port == _PORTS[place.scheme] else f"{host}:{place.port}"


def _location(url: str, answer: http.client.HTTPResponse) -> str | None:
    if answer.status not in (301, 302, 303, 307, 308):
        return None
    target = answer.headers.get("location")
    if not target:
        raise Unreachable("invalid_redirect", retryable=False)
    try:
        return urljoin(url, target)
    except ValueError:
        raise Unreachable("invalid_redirect", retryable=False) from None


def _content(answer: http.client.HTTPResponse, most_bytes: int, accepts: Collection[str]) -> Fetched:
    _require_success(answer.status)
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and not media_type.startswith(tuple(accepts)):
        raise Unreachable("wrong_type", retryable=False)
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise Unreachable("encoded", retryable=False)  # nobody asked for it, and it may unpack to anything
    announced = answer.length  # None: it ends where the connection does, or comes in chunks
    if announced is not None and announced > most_bytes:
        raise Unreachable("too_large", retryable=False)
    content = bytearray()
    while part := answer.read(_CHUNK):
        content += part
        if len(content) > most_bytes:
            raise Unreachable("too_large", retryable=False)
    if announced is not None and len(content) != announced:
        raise Unreachable("broken_off", retryable=True)
    return Fetched(bytes(content), media_type)


def _require_success(status: int) -> None:
    if status == http.client.OK:
        return
    if status in (http.client.NOT_FOUND, http.client.GONE):
        raise Unreachable("not_found", retryable=False)
    later = status in (408, 425, 429) or status >= http.client.INTERNAL_SERVER_ERROR
    raise Unreachable("server_error" if later else "denied", retryable=later)


def _resolved(host: str, port: int) -> Iterable[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@cache
def _everybodys_trust() -> ssl.SSLContext:
    return ssl.create_default_context()
