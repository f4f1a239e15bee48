"""The keys of encrypted columns: where the master keys come from, and the stores' keys that are derived from them.

The master keys are one JSON document, in a file that only its owner can read or in AWS Secrets Manager:
`{"current": 2, "keys": {"1": "<32 bytes in base64>", "2": "..."}}`. To rotate, add a key and point `current` at it; old
versions stay, since old rows name them. Blind indexes stay with the version in `"index"`, which is the lowest unless
said otherwise: a change of it means to compute every blind index anew.
"""

import base64
import binascii
import json
import os
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from shared.core.settings import Settings, settings

_KEY_LENGTH = 32  # bytes: AES-256
_HIGHEST_VERSION = 2**16 - 1  # two bytes of every stored value
_CACHED_KEYS = 16_384  # derived keys a process keeps: some 200 bytes each, for as many stores as it remembers keys of


class UnknownKey(LookupError):
    """There is no master key of that version."""


class KeysUnusable(RuntimeError):
    """The master keys cannot be read, or are not what they must be. The text never holds a key."""


class KeyProvider(Protocol):
    """Who knows the stores' keys."""

    @property
    def current_version(self) -> int:
        """The version under which new values are encrypted."""

    @property
    def index_version(self) -> int:
        """The version of blind indexes; it outlives rotations."""

    def key(self, store_id: UUID, version: int) -> bytes:
        """Return the store's 32 bytes of that version; raise `UnknownKey` where there is none."""


class HKDFKeyProvider:
    """Derives every store's key from a master key: HKDF-SHA256, info "stormcom/store/" and the store's id.

    Deriving costs some 10 microseconds; the last few thousand keys are kept. Safe to use from several threads.
    """

    def __init__(self, master_keys: Mapping[int, bytes], current: int, index: int | None = None) -> None:
        """Take the master keys by version.

        Raises:
            KeysUnusable: a key has not 32 bytes, a version is out of range, or the current one is missing.
        """
        index = min(master_keys, default=0) if index is None else index
        if any(len(key) != _KEY_LENGTH for key in master_keys.values()):
            message = f"A master key has {_KEY_LENGTH} bytes."
            raise KeysUnusable(message)
        if any(not 0 < version <= _HIGHEST_VERSION for version in master_keys):
            message = f"Versions of master keys go from 1 to {_HIGHEST_VERSION}."
            raise KeysUnusable(message)
        if current not in master_keys or index not in master_keys:
            message = "The version that is current, or that of the blind indexes, is not among the master keys."
            raise KeysUnusable(message)
        self._master_keys = dict(master_keys)
        self._current, self._index = current, index
        self.key = lru_cache(maxsize=_CACHED_KEYS)(self._derive)

    @property
    def current_version(self) -> int:
        """The version under which new values are encrypted."""
        return self._current

    @property
    def index_version(self) -> int:
        """The version of blind indexes."""
        return self._index

    def _derive(self, store_id: UUID, version: int) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 -- 10 ms that most never pay
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 -- the same

        master = self._master_keys.get(version)
        if master is None:
            message = f"There is no master key of version {version}."
            raise UnknownKey(message)
        info = b"stormcom/store/" + store_id.bytes
        return HKDF(algorithm=SHA256(), length=_KEY_LENGTH, salt=None, info=info).derive(master)


_lock = threading.Lock()
_provider: KeyProvider | None = None


def key_provider() -> KeyProvider:
    """Return the process's key provider; the first call loads the keys that the settings name.

    Raises:
        KeysUnusable: the master keys cannot be read, or are not what they must be.
    """
    global _provider  # noqa: PLW0603 -- one set of keys a process
    if _provider is None:
        with _lock:
            if _provider is None:
                _provider = load_key_provider(settings())
    return _provider


@contextmanager
def use_key_provider(provider: KeyProvider) -> Iterator[KeyProvider]:
    """Replace the process's key provider for the block, for tests; the one before returns after it."""
    global _provider  # noqa: PLW0603 -- one set of keys a process
    before = _provider
    _provider = provider
    try:
        yield provider
    finally:
        _provider = before


def load_key_provider(config: Settings) -> KeyProvider:
    """Load the master keys from where `keys` points: `file:PATH` or `secret:NAME`, a name or ARN of Secrets Manager.

    Raises:
        KeysUnusable: they cannot be read, others could read them, or they are not what they must be.
    """
    source, _, place = config.keys.partition(":")
    return _parsed(read_private(Path(place)) if source == "file" else _from_secret(place))


def read_private(path: Path) -> str:
    """Read a file of keys, which its owner alone may be able to read.

    Raises:
        KeysUnusable: it cannot be read, or others could read it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read()
    except OSError as error:
        message = f"The file of keys cannot be read: {error.strerror}."
        raise KeysUnusable(message) from error
    if mode & 0o177:
        message = f"The file of keys has mode {mode:04o}; give it 0600, so that nobody else reads it."
        raise KeysUnusable(message)
    return text


def _from_secret(name: str) -> str:
    import boto3  # noqa: PLC0415 -- 100 ms that only the first encrypted value in the cloud pays
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- the same

    try:
        return boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        message = "The secret of master keys cannot be read."
        raise KeysUnusable(message) from error


def _parsed(text: str) -> HKDFKeyProvider:
    try:
        told = json.loads(text)
        master_keys = {int(version): base64.b64decode(key, validate=True) for version, key in told["keys"].items()}
        current, index = int(told["current"]), told.get("index")
    except (ValueError, binascii.Error, KeyError, TypeError, AttributeError):
        message = 'Master keys are JSON: {"current": 1, "keys": {"1": "<32 bytes in base64>"}}.'
        raise KeysUnusable(message) from None
    return HKDFKeyProvider(master_keys, current, None if index is None else int(index))
