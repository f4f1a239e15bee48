"""The arithmetic of blocks: roots, proofs, and what a header's hash covers."""

import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.audit import chain
from shared.audit.chain import GENESIS, Header

IDS = [UUID(int=number) for number in range(1, 20)]
SEALED = [(one, hashlib.sha256(one.bytes).digest()) for one in IDS]
HEADER = Header(
    store_id=UUID(int=7),
    number=3,
    previous_hash=GENESIS,
    root=bytes(32),
    row_count=2,
    first_id=IDS[0],
    last_id=IDS[1],
    sealed_at=datetime(2026, 11, 21, tzinfo=UTC),
    key_version=1,
)


def test_a_root_is_what_its_definition_says() -> None:
    leaves = [hashlib.sha256(b"\x00" + one.bytes + row_hash).digest() for one, row_hash in SEALED[:3]]
    pair = hashlib.sha256(b"\x01" + leaves[0] + leaves[1]).digest()

    assert chain.root_of(SEALED[:1]) == leaves[0]
    assert chain.root_of(SEALED[:3]) == hashlib.sha256(b"\x01" + pair + leaves[2]).digest()


@pytest.mark.parametrize("size", range(1, 20))
def test_every_entry_comes_to_the_root_by_its_own_path(size: int) -> None:
    sealed = SEALED[:size]
    root = chain.root_of(sealed)

    for position, (entry_id, row_hash) in enumerate(sealed):
        steps = chain.path(sealed, position)
        assert chain.root_by(entry_id, row_hash, steps) == root
        assert chain.root_by(entry_id, bytes(32), steps) != root
        assert len(steps) <= 5


def test_another_order_or_another_entry_is_another_root() -> None:
    root = chain.root_of(SEALED)

    assert chain.root_of(SEALED[::-1]) != root
    assert chain.root_of(SEALED[:-1]) != root
    assert chain.root_of([*SEALED, SEALED[-1]]) != root


def test_the_hash_of_a_header_covers_every_field() -> None:
    present = chain.header_hash(HEADER)
    others: dict[str, Any] = {
        "store_id": UUID(int=8),
        "number": 4,
        "previous_hash": b"x" * 32,
        "root": b"x" * 32,
        "row_count": 3,
        "first_id": IDS[2],
        "last_id": IDS[2],
        "sealed_at": HEADER.sealed_at + timedelta(microseconds=1),
        "key_version": 2,
    }

    assert set(others) == {field.name for field in fields(Header)}
    assert all(chain.header_hash(replace(HEADER, **{name: other})) != present for name, other in others.items())
