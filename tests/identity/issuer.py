"""An OpenID Connect issuer on this machine: discovery, keys, authorization and tokens, as the specifications say.

It knows one client, and whoever is set to be before the browser. What it signs can be bent, for a test of what a false
issuer or a thief would send.
"""

import atexit
import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3
from joserfc import jwt
from joserfc.jwk import RSAKey

from shared.core import clock
from shared.core.settings import settings

_lasting = ExitStack()  # what serves as long as this process does
atexit.register(_lasting.close)  # while its thread still runs: left to the interpreter's end, it would wait for ever

CLIENT_ID, CLIENT_SECRET = "stormcom", "between the two of us"


@dataclass
class LocalIssuer:
    """The issuer. `person` holds the claims of whoever sits before the browser; `bent` replaces what is signed."""

    url: str
    person: dict[str, Any] = field(default_factory=dict)
    bent: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)}))
    signs_with: RSAKey | None = None  # another key than the one that it shows
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def come_back(self, authorization_url: str) -> dict[str, str]:
        """Follow the address as a browser whose person agrees; return what it comes back to us with."""
        answer = urllib3.request("GET", authorization_url, redirect=False, retries=False, timeout=5)
        assert answer.status == 302, answer.data
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        back = {"code": code, "state": query["state"], "iss": self.url}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Exchange a code, once, for who showed that the sign-in is theirs."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        begun = self.codes.pop(form.get("code", ""), None)
        if authorization != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or shown != begun["code_challenge"] or form.get("redirect_uri") != begun["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(clock.now().timestamp())
        claims = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": begun["nonce"]}
        told = {**claims, **self.person, **self.bent}
        signer = self.signs_with or self.key
        signed = jwt.encode({"alg": "RS256", "kid": self.key.kid}, told, signer)
        return 200, {"access_token": "unused", "token_type": "Bearer", "id_token": signed}


@contextmanager
def serving() -> Iterator[LocalIssuer]:
    """Serve an issuer at a port of its own for the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    issuer = LocalIssuer(f"http://127.0.0.1:{server.server_port}")
    server.issuer = issuer  # type: ignore[attr-defined]  # for the handler
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def running() -> LocalIssuer:
    """Return an issuer that serves as long as this process does, and that the application knows as `local`."""
    issuer = _lasting.enter_context(serving())
    listed = {"name": "local", "issuer": issuer.url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    Path((settings().issuers or "").removeprefix("file:")).write_text(json.dumps([listed]))
    return issuer


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        issuer: LocalIssuer = self.server.issuer
        parts = urlsplit(self.path)
        issuer.asked.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                self._answer(
                    200,
                    {
                        "issuer": issuer.url,
                        "authorization_endpoint": f"{issuer.url}/authorize",
                        "token_endpoint": f"{issuer.url}/token",
                        "jwks_uri": f"{issuer.url}/keys",
                    },
                )
            case "/keys":
                self._answer(200, {"keys": [issuer.key.as_dict(private=False)]})
            case "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", issuer.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        issuer: LocalIssuer = self.server.issuer
        issuer.asked.append(self.path)
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        told = {name: values[0] for name, values in form.items()}
        self._answer(*issuer.token(self.headers.get("Authorization", ""), told))

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""

    def _answer(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
