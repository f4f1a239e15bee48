"""`python -m infra.stores open --slug rupali --name Rupali --owner-email owner@rupali.example`: open a store.

For platform operators: a client of the platform API. The operator's token comes from STORMCOM_PLATFORM_TOKEN. Without
`--base-url` it talks to the system that runs on this machine, as the operator whom that system let in.
"""

import argparse
import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPMessage
from typing import IO, Any
from urllib.parse import quote, urlsplit

from infra.local import operators
from infra.local.state import State, read

TOKEN = "STORMCOM_PLATFORM_TOKEN"  # noqa: S105 -- the variable's name, not a token
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_PATIENCE = 40  # seconds; the gateway itself gives up after 30


class Refused(Exception):
    """It can't be done; the message says why, for the operator."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for the refusal that it is here: following one would take the token along."""

    def redirect_request(  # noqa: PLR0913, PLR0917 -- urllib's own signature
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow nothing."""


@dataclass(frozen=True)
class Platform:
    """Where the platform API is, and the token for it."""

    base_url: str
    token: str

    @classmethod
    def find(cls, base_url: str | None) -> "Platform":
        """Return the platform at `base_url`, or the one that runs on this machine.

        The local operator's token is sent to the local system alone.

        Raises:
            Refused: nothing runs here, or there is no token.
        """
        given = os.environ.get(TOKEN)
        if base_url is not None:
            where = urlsplit(base_url)
            if not (where.scheme == "https" or (where.scheme == "http" and where.hostname in _THIS_MACHINE)):
                message = f"{base_url}: a token goes over https:// only, except on this machine."
                raise Refused(message)
            if not given:
                message = f"Set {TOKEN} to the operator's token (op_...) for {base_url}."
                raise Refused(message)
            return cls(base_url.rstrip("/"), given)
        folder = State.from_environment().folder
        running = read(folder / "dev.json")
        if running is None:
            message = f"Nothing runs on {folder}. Start it (make dev), or say where the platform is: --base-url."
            raise Refused(message)
        token = given or operators.present_token(folder)
        if token is None:
            message = f"There is no operator's token in {folder}. Set {TOKEN}."
            raise Refused(message)
        return cls(running["base_url"], token)

    def open_store(self, store: dict[str, str]) -> dict[str, Any]:
        """Open a store; return it with its keys.

        Raises:
            Refused: the platform refused, or did not answer.
        """
        return self._post("", store, "If the store was opened, its slug is taken now.")

    def rebuild(self, store_id: str) -> dict[str, Any]:
        """Have everything made anew that a store's shoppers are shown; return how many products that was.

        Raises:
            Refused: the platform refused, or did not answer.
        """
        return self._post(f"/{quote(store_id, safe='')}/search/rebuild", {}, "It does no harm to ask again.")

    def _post(self, path: str, body: dict[str, str], unknown: str) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 -- the address was checked, or is the local system's own
            f"{self.base_url}/api/v1/platform/stores{path}",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": secrets.token_hex(16),  # a gateway that sends twice opens one store
            },
        )
        direct = urlsplit(self.base_url).hostname in _THIS_MACHINE
        proxies = urllib.request.ProxyHandler({} if direct else None)  # None: those of the environment
        opener = urllib.request.build_opener(_NoRedirects, proxies)
        try:
            with opener.open(request, timeout=_PATIENCE) as answer:
                told: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                raise Refused(_told(refused.code, refused.read())) from None
        except OSError as silent:
            reason = getattr(silent, "reason", silent)
            message = f"{self.base_url} did not answer ({reason}). {unknown}"
            raise Refused(message) from None
        return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the process's exit code."""
    given = _parser().parse_args(arguments)
    try:
        platform = Platform.find(given.base_url)
        if given.command == "rebuild":
            told = platform.rebuild(given.store)
            sys.stdout.write(f"Under way; {told['products']} products were shown when it began.\n")
            return 0
        store = {"slug": given.slug, "name": given.name, "owner_email": given.owner_email}
        opened = platform.open_store(store)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    sys.stdout.write(json.dumps(opened, indent=1) + "\n" if given.json else _shown(opened))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.stores", description="Manage stores, as an operator.")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    opening = commands.add_parser("open", help="open a store, and print its keys this once")
    opening.add_argument("--slug", required=True, help="its name in addresses: lower-case letters, digits, hyphens")
    opening.add_argument("--name", required=True, help="its name for people")
    opening.add_argument("--owner-email", required=True, help="the merchant's address")
    opening.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    rebuilding = commands.add_parser("rebuild", help="make everything anew that a store's shoppers are shown")
    rebuilding.add_argument("--store", required=True, help="its id: store_...")
    for command in (opening, rebuilding):
        command.add_argument("--base-url", help="where the platform is; the system on this machine, unless given")
    return parser


def _shown(opened: dict[str, Any]) -> str:
    store = opened["store"]
    return (
        f"Store {store['slug']} is open ({store['id']}, {store['currency']}).\n"
        f"  publishable key  {opened['publishable_key']}\n"
        f"  secret token     {opened['secret_token']}\n"
        "The secret token is shown this once: keep it now.\n"
    )


def _told(status: int, body: bytes) -> str:
    """Say what a problem document says."""
    try:
        problem = json.loads(body)
        lines = [f"{problem['detail']} ({status} {problem['code']})"]
        lines += [f"  {error['pointer']}: {error['message']}" for error in problem.get("errors", ())]
    except (ValueError, KeyError, TypeError):
        return f"The platform answered {status}, and not as StormCom does: {body[:200].decode(errors='replace')}"
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
