"""Encrypted columns: bound to their store and column, readable after a rotation, closed to comparisons."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, insert, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shared.core import context, encryption, ids
from shared.core.encryption import DecryptionFailed, EncryptedJSON, EncryptedText
from shared.core.keys import HKDFKeyProvider, use_key_provider
from shared.core.tenancy import UnboundSession
from tests.database import FreshDatabases

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
STORE, OTHER = UUID(int=1), UUID(int=2)
COLUMN = "customers.email"


class Tables(DeclarativeBase):
    pass


class Customer(Tables):
    __tablename__ = "encrypted_customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str | None] = mapped_column(EncryptedText("encrypted_customers.email"))
    address: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON("encrypted_customers.address"))


@pytest.fixture(autouse=True)
def _keys() -> Iterator[None]:
    with use_key_provider(HKDFKeyProvider({1: OLD}, current=1)):
        yield


@pytest.fixture(scope="module")
def engine(fresh_database: FreshDatabases) -> Iterator[Engine]:
    url = fresh_database.empty().superuser_url.replace("postgresql:", "postgresql+pg8000:")
    engine = create_engine(url)
    Tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


@given(st.binary())
def test_what_is_encrypted_is_decrypted(clear: bytes) -> None:
    stored = encryption.encrypt(STORE, COLUMN, clear)

    assert encryption.decrypt(STORE, COLUMN, stored) == clear
    assert clear not in stored or len(clear) < 4


def test_the_same_value_is_never_stored_the_same_twice() -> None:
    stored = {encryption.encrypt(STORE, COLUMN, b"rahim@example.com") for _ in range(1000)}

    assert len(stored) == 1000


def test_the_form_and_the_derivation_are_what_is_written_down() -> None:
    stored = encryption.encrypt(STORE, COLUMN, b"rahim")

    # HKDF-SHA256 by RFC 5869, by hand: one block is as long as the key.
    extracted = hmac.digest(bytes(32), OLD, hashlib.sha256)
    key = hmac.digest(extracted, b"stormcom/store/" + STORE.bytes + b"\x01", hashlib.sha256)
    assert stored[:3] == b"\x01\x00\x01"
    bound_to = stored[:3] + STORE.bytes + COLUMN.encode()
    assert AESGCM(key).decrypt(stored[3:15], stored[15:], bound_to) == b"rahim"


def test_another_store_cannot_read_it_whichever_way_it_tries() -> None:
    stored = encryption.encrypt(STORE, COLUMN, b"rahim")

    with pytest.raises(DecryptionFailed, match="belongs to another store or column"):
        encryption.decrypt(OTHER, COLUMN, stored)


def test_a_value_does_not_move_to_another_column() -> None:
    stored = encryption.encrypt(STORE, COLUMN, b"rahim")

    with pytest.raises(DecryptionFailed, match="belongs to another store or column"):
        encryption.decrypt(STORE, "customers.name", stored)


def test_one_altered_bit_anywhere_is_noticed() -> None:
    stored = encryption.encrypt(STORE, COLUMN, b"rahim")

    for place in range(len(stored)):
        altered = bytearray(stored)
        altered[place] ^= 1
        with pytest.raises(DecryptionFailed):
            encryption.decrypt(STORE, COLUMN, bytes(altered))


@pytest.mark.parametrize("stored", [b"", b"rahim@example.com", b"\x01" * 30])
def test_what_was_never_encrypted_is_no_value(stored: bytes) -> None:
    with pytest.raises(DecryptionFailed, match="no encrypted value"):
        encryption.decrypt(STORE, COLUMN, stored)


def test_after_a_rotation_old_values_are_read_and_new_ones_written_under_the_new_key() -> None:
    before = encryption.encrypt(STORE, COLUMN, b"old")

    with use_key_provider(HKDFKeyProvider({1: OLD, 2: NEW}, current=2)):
        after = encryption.encrypt(STORE, COLUMN, b"new")
        read = encryption.decrypt(STORE, COLUMN, before), encryption.decrypt(STORE, COLUMN, after)

    assert read == (b"old", b"new")
    assert (before[1:3], after[1:3]) == (b"\x00\x01", b"\x00\x02")
    with pytest.raises(DecryptionFailed, match="version 2, which is unknown"):
        encryption.decrypt(STORE, COLUMN, after)


def test_a_blind_index_finds_equals_within_one_store_and_purpose() -> None:
    index = encryption.blind_index(STORE, "email", "rahim@example.com")

    assert len(index) == 32
    assert index == encryption.blind_index(STORE, "email", "rahim@example.com")
    assert index not in {
        encryption.blind_index(OTHER, "email", "rahim@example.com"),
        encryption.blind_index(STORE, "phone", "rahim@example.com"),
        encryption.blind_index(STORE, "email", "karim@example.com"),
    }


def test_a_blind_index_outlives_a_rotation() -> None:
    before = encryption.blind_index(STORE, "email", "rahim@example.com")

    with use_key_provider(HKDFKeyProvider({1: OLD, 2: NEW}, current=2)):
        after = encryption.blind_index(STORE, "email", "rahim@example.com")
    with use_key_provider(HKDFKeyProvider({1: OLD, 2: NEW}, current=2, index=2)):
        renewed = encryption.blind_index(STORE, "email", "rahim@example.com")

    assert before == after
    assert before != renewed


def test_threads_at_once_encrypt_for_more_stores_than_are_cached() -> None:
    stores = [ids.new_id() for _ in range(5000)]

    def there_and_back(store_id: UUID) -> bool:
        name = str(store_id).encode()
        return encryption.decrypt(store_id, COLUMN, encryption.encrypt(store_id, COLUMN, name)) == name

    with ThreadPoolExecutor(8) as threads:
        right = list(threads.map(there_and_back, stores + stores[:500]))

    assert right == [True] * 5500


def test_a_column_holds_ciphertext_and_gives_the_value_to_its_store(engine: Engine) -> None:
    address = {"street": "রোড সাত", "house": [12, None]}

    with of_store(STORE), Session(engine) as session, session.begin():
        session.add(Customer(id=1, email="rahim@example.com", address=address))
    with of_store(STORE), Session(engine) as session:
        found = session.get_one(Customer, 1)
        in_clear = session.scalars(text("select email from encrypted_customers where id = 1")).one()

    assert (found.email, found.address) == ("rahim@example.com", address)
    assert b"rahim" not in in_clear


def test_no_value_stays_null(engine: Engine) -> None:
    with of_store(STORE), Session(engine) as session, session.begin():
        session.execute(insert(Customer).values(id=2, email=None, address=None))
        found = session.execute(select(Customer.email, Customer.address).where(Customer.email.is_(None))).all()

    assert found == [(None, None)]


def test_another_stores_session_cannot_decrypt_a_column(engine: Engine) -> None:
    with of_store(STORE), Session(engine) as session, session.begin():
        session.add(Customer(id=3, email="rahim@example.com"))

    with of_store(OTHER), Session(engine) as session, pytest.raises(DecryptionFailed):
        session.scalars(select(Customer.email).where(Customer.id == 3)).all()


def test_without_a_bound_store_nothing_is_written(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(StatementError) as refused:
        session.execute(insert(Customer).values(id=4, email="rahim@example.com"))

    assert isinstance(refused.value.orig, UnboundSession)
    with Session(engine) as session:
        assert session.scalars(select(Customer.id).where(Customer.id == 4)).all() == []


COMPARISONS: dict[str, Callable[[], object]] = {
    "equal": lambda: Customer.email == "rahim@example.com",
    "different": lambda: Customer.email != "rahim@example.com",
    "above": lambda: Customer.email > "a",
    "one of": lambda: Customer.email.in_(["a"]),
    "like": lambda: Customer.email.like("a%"),
    "ascending": lambda: Customer.email.asc(),  # noqa: PLW0108 -- made in the test, where it is to raise
    "descending": lambda: Customer.email.desc(),  # noqa: PLW0108 -- the same
}


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_an_encrypted_column_cannot_be_compared_or_sorted(comparison: str) -> None:
    with pytest.raises(TypeError, match="look it up by its blind index"):
        COMPARISONS[comparison]()


def of_store(store_id: UUID) -> AbstractContextManager[context.Context]:
    return context.entered(context.Context(store_id=store_id))
