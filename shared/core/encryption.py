"""Encrypted columns: AES-256-GCM under a key of the store's own, bound to the store and the column.

Every store's key is derived (HKDF-SHA256) from a master key that a key provider holds; a stored value names the version
of the master key, so that a new one takes over without touching old rows. The store and the column are authenticated
with each value: a ciphertext that is copied into another store's row or another column does not decrypt.

An encrypted column cannot be compared, searched or sorted in SQL: equal texts have different ciphertexts, and an
attempt raises. What must be found again gets a second column with its `blind_index`, which answers equality alone.

Stored: format (1 byte) | master key version (2 bytes) | nonce (12 bytes) | ciphertext and tag (16 bytes). Random nonces
are safe for 2^32 values a store and key version; the yearly new master key is far below it.
"""

import hashlib
import hmac
import json
import os
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import ColumnElement, Dialect, LargeBinary, TypeDecorator
from sqlalchemy.sql import operators

from shared.core.keys import HKDFKeyProvider, KeyProvider, UnknownKey, key_provider, load_key_provider, use_key_provider
from shared.core.tenancy import bound_store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = [
    "DecryptionFailed",
    "EncryptedJSON",
    "EncryptedText",
    "HKDFKeyProvider",
    "KeyProvider",
    "blind_index",
    "decrypt",
    "encrypt",
    "load_key_provider",
    "use_key_provider",
]

_FORMAT = 1
_HEADER = struct.Struct(">BH")  # format, master key version
_NONCE_LENGTH = 12
_SHORTEST = _HEADER.size + _NONCE_LENGTH + 16  # bytes of an encrypted empty text


class DecryptionFailed(RuntimeError):
    """A stored value is not of this store and column, was altered, or its key is gone. Never a caller's mistake."""


def encrypt(store_id: UUID, column: str, clear: bytes) -> bytes:
    """Encrypt a value of `column` ("table.column") under the store's present key."""
    provider = key_provider()
    version = provider.current_version
    header, nonce = _HEADER.pack(_FORMAT, version), os.urandom(_NONCE_LENGTH)
    sealed = _cipher(provider.key(store_id, version)).encrypt(nonce, clear, _bound_to(header, store_id, column))
    return header + nonce + sealed


def decrypt(store_id: UUID, column: str, stored: bytes) -> bytes:
    """Decrypt a value of `column`, under whichever key version it names.

    Raises:
        DecryptionFailed: it belongs to another store or column, was altered, or its key version is unknown.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 -- see `_cipher`

    if len(stored) < _SHORTEST or stored[0] != _FORMAT:
        message = f"What {column} holds is no encrypted value."
        raise DecryptionFailed(message)
    header, rest = stored[: _HEADER.size], stored[_HEADER.size :]
    _, version = _HEADER.unpack(header)
    try:
        key = key_provider().key(store_id, version)
        return _cipher(key).decrypt(rest[:_NONCE_LENGTH], rest[_NONCE_LENGTH:], _bound_to(header, store_id, column))
    except UnknownKey as error:
        message = f"{column} is encrypted under key version {version}, which is unknown here."
        raise DecryptionFailed(message) from error
    except InvalidTag as error:
        message = f"A value of {column} was altered, or belongs to another store or column."
        raise DecryptionFailed(message) from error


def blind_index(store_id: UUID, purpose: str, value: str) -> bytes:
    """Return what finds an encrypted value again: the same 32 bytes for the same store, purpose and value.

    `value` in its one spelling (E.164, a normalized e-mail). It tells whoever reads the database which rows share a
    value, and nothing more. It stays the same when the master key rotates: see `KeyProvider.index_version`.
    """
    provider = key_provider()
    store_key = provider.key(store_id, provider.index_version)
    index_key = hmac.digest(store_key, b"stormcom/blind-index/" + purpose.encode(), hashlib.sha256)
    return hmac.digest(index_key, value.encode(), hashlib.sha256)


@lru_cache(maxsize=1024)
def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 -- 10 ms that most never pay

    return AESGCM(key)  # it keeps nothing between two calls, so threads may share it


def _bound_to(header: bytes, store_id: UUID, column: str) -> bytes:
    return header + store_id.bytes + column.encode()


class _NotComparable(TypeDecorator.Comparator[Any]):
    """Lets SQL ask whether there is a value, and nothing else."""

    __slots__ = ()

    def operate(self, op: Any, *other: Any, **facts: Any) -> ColumnElement[Any]:  # noqa: ANN401 -- SQLAlchemy's own
        if op in (operators.is_, operators.is_not) or (op in (operators.eq, operators.ne) and other == (None,)):
            return super().operate(op, *other, **facts)
        message = f"{self.expr} is encrypted and cannot be compared or sorted; look it up by its blind index."
        raise TypeError(message)

    reverse_operate = operate


class EncryptedText(TypeDecorator[Any]):
    """Text, encrypted for the bound store: `mapped_column(EncryptedText("customers.email"))`. None stays NULL."""

    impl = LargeBinary
    cache_ok = True
    comparator_factory = _NotComparable

    def __init__(self, column: str) -> None:
        """Bind the type to its column, "table.column": the name is part of what is authenticated, so it is for ever."""
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> bytes | None:
        """Encrypt for the bound store."""
        return None if value is None else encrypt(bound_store(), self.column, value.encode())

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> str | None:
        """Decrypt for the bound store."""
        return None if value is None else decrypt(bound_store(), self.column, bytes(value)).decode()


class EncryptedJSON(EncryptedText):
    """A JSON value, encrypted for the bound store. A change inside it is not noticed: assign a new value."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:  # noqa: ANN401 -- any JSON value
        """Encrypt for the bound store."""
        told = None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return super().process_bind_param(told, dialect)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:  # noqa: ANN401 -- any JSON value
        """Decrypt for the bound store."""
        told = super().process_result_value(value, dialect)
        return None if told is None else json.loads(told)
