"""The local operator: the token by which this machine opens stores, on the command line and at the first start."""

from pathlib import Path

from infra.local import state as states
from shared.core import credentials

_FILE = "operator.json"


def token(folder: Path) -> str:
    """Return the local operator's token, made at its first use and kept (0600) in the state folder."""
    kept = present_token(folder)
    if kept is None:
        kept = credentials.generate(credentials.PLATFORM)
        states.write(folder / _FILE, {"token": kept})
    return kept


def present_token(folder: Path) -> str | None:
    """Return the local operator's token; None when nobody has needed one here."""
    content = states.read(folder / _FILE)
    return None if content is None else str(content["token"])
