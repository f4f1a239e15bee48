"""The key that seals: who has it can make a block that holds, who lacks it can't, whatever else they may do.

In the cloud it is an HMAC key of KMS, which computes and never gives it out; the sealer and the verifier alone may ask
(`uses=("audit_key",)`), and no role of the database can. On a laptop it is a file that its owner alone reads (0600).
A new key is one more version: blocks name theirs, so old versions stay.
"""

import base64
import binascii
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

from shared.core import keys
from shared.core.settings import settings

_SHORTEST = 32  # bytes
_ALGORITHM = "HMAC_SHA_256"

_making_client = threading.Lock()


class SealingKeysUnusable(RuntimeError):
    """The key that seals cannot be had. The text never holds a key."""


class SealingKeys(Protocol):
    """Who can make and check MACs. May call the outside: never within a transaction."""

    @property
    def current_version(self) -> int:
        """The version that new blocks are sealed by."""

    def mac(self, version: int, message: bytes) -> bytes:
        """Return the MAC of a message of at most 4,096 bytes."""

    def holds(self, version: int, message: bytes, mac: bytes) -> bool:
        """Tell whether a MAC is of this message and version; False where there is no such version."""


class FileKeys:
    """Keys in a file: {"current": 1, "keys": {"1": "<32 bytes in base64>"}}."""

    def __init__(self, secrets: Mapping[int, bytes], current: int) -> None:
        """Take the keys by version.

        Raises:
            SealingKeysUnusable: one is too short, or the current one is missing.
        """
        if current not in secrets or any(len(secret) < _SHORTEST for secret in secrets.values()):
            message = f"A sealing key has {_SHORTEST} bytes at least, and the current one is among them."
            raise SealingKeysUnusable(message)
        self._secrets = dict(secrets)
        self.current_version = current

    @classmethod
    def read(cls, path: Path) -> "FileKeys":
        """Read the keys from a file that its owner alone can read.

        Raises:
            SealingKeysUnusable: it cannot be read, others can read it, or it holds something else.
        """
        try:
            told = json.loads(keys.read_private(path))
            secrets = {int(version): base64.b64decode(key, validate=True) for version, key in told["keys"].items()}
            return cls(secrets, int(told["current"]))
        except keys.KeysUnusable as error:
            raise SealingKeysUnusable(str(error)) from error
        except (ValueError, binascii.Error, KeyError, TypeError, AttributeError):
            message = 'Sealing keys are JSON: {"current": 1, "keys": {"1": "<32 bytes in base64>"}}.'
            raise SealingKeysUnusable(message) from None

    def mac(self, version: int, message: bytes) -> bytes:
        """Return the MAC of a message."""
        return hmac.digest(self._secrets[version], message, hashlib.sha256)

    def holds(self, version: int, message: bytes, mac: bytes) -> bool:
        """Tell whether a MAC holds."""
        return version in self._secrets and hmac.compare_digest(self.mac(version, message), mac)


class KMSKeys:
    """HMAC keys of AWS KMS, which never leave it. Version 1 is the first of the names, the last is the current one."""

    def __init__(self, names: Sequence[str]) -> None:
        """Take the keys' ARNs or aliases in the order of their versions; nothing is called before the first use."""
        self._names = tuple(names)
        self.current_version = len(self._names)

    def mac(self, version: int, message: bytes) -> bytes:
        """Return the MAC of a message. One call."""
        name = self._names[version - 1]
        made: bytes = self._client.generate_mac(KeyId=name, Message=message, MacAlgorithm=_ALGORITHM)["Mac"]
        return made

    def holds(self, version: int, message: bytes, mac: bytes) -> bool:
        """Tell whether a MAC holds. One call."""
        if not 0 < version <= len(self._names) or not mac:
            return False
        asked = {"KeyId": self._names[version - 1], "Message": message, "Mac": mac, "MacAlgorithm": _ALGORITHM}
        try:
            return bool(self._client.verify_mac(**asked)["MacValid"])
        except self._client.exceptions.KMSInvalidMacException:
            return False

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 -- boto3 makes its class at run time
        import boto3  # noqa: PLC0415 -- 200 ms that only the sealer and the verifier pay
        from botocore.config import Config  # noqa: PLC0415 -- comes with boto3

        with _making_client:  # boto3's session may not be used by two threads while a client is made
            retries = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 4, "mode": "standard"})
            return boto3.client("kms", config=retries)


def sealing_keys() -> SealingKeys:
    """Return the keys that this process seals and verifies with.

    Raises:
        SealingKeysUnusable: they cannot be had here.
    """
    return _keys(settings().audit_key)


@lru_cache(maxsize=4)
def _keys(where: str) -> SealingKeys:
    kind, _, rest = where.partition(":")
    return KMSKeys(rest.split(",")) if kind == "kms" else FileKeys.read(Path(rest))
