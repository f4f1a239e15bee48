"""Run commands as somebody else than root, for programs that refuse root, as PostgreSQL does.

Containers and CI machines, where one is root, stay as they are: no account is made and no folder opened.
"""

import os
import pwd
import subprocess
from collections.abc import Iterable
from pathlib import Path


class CannotLowerError(Exception):
    """The machine offers no way to run a command as somebody else than root."""


def prefix(*, owning: Iterable[Path]) -> tuple[str, ...]:
    """Return the words to put before a command; none for an ordinary user. The command owns the folders `owning`.

    In a user namespace root's files stay root's, and look to the command like its own. Where the kernel forbids
    namespaces, the command gets the folders for its own, and may pass through those above that are closed to it.

    Raises:
        CannotLowerError: neither way works here.
    """
    if os.geteuid() != 0:
        return ()
    account = _account()
    namespace = ("unshare", "--user", f"--map-user={account}")
    if _succeeds(*namespace, "true"):
        _give(owning, 0)  # what an earlier start without namespaces gave away
        return namespace
    capability = "+dac_read_search"
    identity = (f"--reuid={account}", f"--regid={account}", "--clear-groups")
    lowered = ("setpriv", *identity, f"--inh-caps={capability}", f"--ambient-caps={capability}")
    if not _succeeds(*lowered, "true"):
        raise CannotLowerError("Root can lower itself neither by unshare nor by setpriv (util-linux) here.")
    _give(owning, account)
    return lowered


def _account() -> int:
    """Return a number that belongs to an account, since initdb looks it up: mostly "daemon", which owns nothing."""
    accounts = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not accounts:
        raise CannotLowerError("This machine has no account but root.")
    return min(accounts)


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own words
    except FileNotFoundError:
        return False


def _give(paths: Iterable[Path], user: int) -> None:
    for path in paths:
        if path.stat().st_uid != user:
            for inner in (path, *path.rglob("*")):
                os.chown(inner, user, user, follow_symlinks=False)
