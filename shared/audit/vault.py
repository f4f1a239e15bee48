"""The vault: where nobody replaces or deletes an object before its time, ourselves included.

The heads of the chains and the archives of entries lie in it. In the cloud it is a bucket of its own with S3's Object
Lock in COMPLIANCE mode; on a laptop, files that are made once. Whoever reads gets the first object that was put under a
key, whatever was put or marked as deleted over it later. Talks to the outside: never within a transaction.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from shared.core.settings import settings


class NotInVault(LookupError):
    """There is nothing under the key."""


class Vault(Protocol):
    """What a vault can do. Keys are made of ids, numbers and months, by this package alone."""

    def put_new(self, key: str, content: IO[bytes], *, until: datetime) -> bool:
        """Keep an object until that moment at least; whole or not at all. False: there is one already, which stays."""

    def open(self, key: str) -> BinaryIO:
        """Open the first object that was put under the key. The caller closes it.

        Raises:
            NotInVault: there is none.
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with `prefix`, in order, those marked as deleted included."""


def vault() -> Vault:
    """Return the vault of this process, beside its other objects: see `storage`."""
    return _vault(settings().objects)


@lru_cache(maxsize=4)
def _vault(where: str) -> Vault:
    kind, _, rest = where.partition(":")
    if kind == "s3":
        from shared.audit.vault_s3 import S3Vault  # noqa: PLC0415 -- boto3 is imported by who asks for it

        return S3Vault(f"{rest}audit")
    from shared.audit.vault_files import FileVault  # noqa: PLC0415 -- of no use in the cloud

    return FileVault(Path(rest) / "audit")
