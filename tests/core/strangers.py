"""Servers of strangers, on this machine, and the one way out that may reach them."""

import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.core import clock
from shared.core.outside import Outside, Unreachable

SECONDS = 5.0


class Answers(BaseHTTPRequestHandler):
    """Answers as the test says; keeps what was asked."""

    protocol_version = "HTTP/1.1"
    by_path: ClassVar[dict[str, Callable[["Answers"], None]]]  # each test's server has a subclass of its own
    asked: ClassVar[list[tuple[str, dict[str, str]]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.by_path[self.path.partition("?")[0]](self)

    def answer(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content_length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Server:
    """A server on this machine, and a way out that is allowed to reach it under any name."""

    def __init__(self, trust: ssl.SSLContext | None = None, served: ssl.SSLContext | None = None) -> None:

        class Own(Answers):
            by_path: ClassVar[dict[str, Callable[[Answers], None]]] = {}
            asked: ClassVar[list[tuple[str, dict[str, str]]]] = []

        self.handler = Own
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self._http.daemon_threads = True
        if served:
            self._http.socket = served.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_address[1]
        self.resolved: list[str] = []
        self.addresses: Iterator[list[str]] = iter(lambda: ["127.0.0.1"], None)
        self.outside = Outside(resolve=self._resolve, allow=is_this_machine, ports={self.port}, trust=trust)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def _resolve(self, host: str, _port: int) -> Iterable[str]:
        self.resolved.append(host)
        return next(self.addresses)

    def on(self, path: str, act: Callable[[Answers], None]) -> None:
        self.handler.by_path[path] = act

    def url(self, path: str, *, scheme: str = "http", host: str = "pictures.example") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def is_this_machine(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address == ipaddress.ip_address("127.0.0.1")


def fetch(outside: Outside, url: str, *, most: int = 1000, seconds: float = SECONDS) -> bytes:
    return outside.fetch(url, most_bytes=most, seconds=seconds, accepts=("image/",)).content


@contextmanager
def unreachable(code: str, *, retryable: bool) -> Iterator[None]:
    with pytest.raises(Unreachable) as missed:
        yield
    assert (missed.value.code, missed.value.retryable) == (code, retryable)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server that has a certificate for `name`, and of a client that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now.replace(year=now.year - 1))
        .not_valid_after(now.replace(year=now.year + 1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return served, ssl.create_default_context(cafile=str(path))
