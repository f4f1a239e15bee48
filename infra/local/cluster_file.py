"""The private file beside a PostgreSQL data folder: the port of its server, and the password of each role."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


class ClusterFile:
    """Port and passwords of one cluster; what was never asked for is not there yet."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`, which the first write makes."""
        self.path = path

    def password_exists(self, role: str) -> bool:
        """Say whether the role was given a password in an earlier run or this one."""
        return role in self._read()["passwords"]

    @property
    def port(self) -> int:
        """The port of the last start; 0 before the first."""
        port: int = self._read()["port"]
        return port

    @port.setter
    def port(self, port: int) -> None:
        self._write({**self._read(), "port": port})

    def password(self, role: str) -> str:
        """Return the role's password: random, made at the first call, and kept."""
        content = self._read()
        if role not in content["passwords"]:
            content["passwords"][role] = secrets.token_urlsafe(24)
            self._write(content)
        password: str = content["passwords"][role]
        return password

    def _read(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads(self.path.read_text())
        except FileNotFoundError:
            return {"port": 0, "passwords": {}}
        return content

    def _write(self, content: dict[str, Any]) -> None:
        fresh = self.path.with_suffix(".json.new")
        write_private(fresh, json.dumps(content))
        fresh.replace(self.path)


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, from its first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
