"""A vault of a laptop: files that are made once, read-only, and never replaced (0400 in 0700).

It keeps its rule against our own mistakes. Who owns the machine can still remove a file, as they can the database.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from shared.audit.vault import NotInVault


class FileVault:
    """A vault in one folder."""

    def __init__(self, folder: Path) -> None:
        """Keep objects in `folder`, made when the first one comes."""
        self._folder = folder

    def put_new(self, key: str, content: IO[bytes], *, until: datetime) -> bool:  # noqa: ARG002 -- nothing deletes here
        """Keep an object, as a file under another name until it is whole."""
        path = self._folder / key
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for between in reversed(path.relative_to(self._folder).parents[:-1]):  # `parents=True` would open these to all
            (self._folder / between).mkdir(mode=0o700, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(dir=self._folder, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                shutil.copyfileobj(content, file)
                file.flush()
                os.fsync(file.fileno())
                os.fchmod(file.fileno(), 0o400)
            os.link(draft, path)  # unlike a rename it refuses to replace
        except FileExistsError:
            return False
        finally:
            Path(draft).unlink(missing_ok=True)
        return True

    def open(self, key: str) -> BinaryIO:
        """Open an object."""
        try:
            return (self._folder / key).open("rb")
        except FileNotFoundError:
            raise NotInVault(key) from None

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in order."""
        folder = self._folder / prefix.rpartition("/")[0]
        found = (str(path.relative_to(self._folder)) for path in folder.rglob("*") if path.is_file())
        yield from sorted(key for key in found if key.startswith(prefix) and not key.startswith("."))
