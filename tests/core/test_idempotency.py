"""A claim of a request, as two transactions at once see it; the way of a whole request is in test_http.py."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.orm import Session

from shared.core import idempotency, ids
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("application")


def test_who_comes_while_the_first_request_runs_is_told_so_at_once() -> None:
    store, key = a_store(), str(ids.new_id())

    with ThreadPoolExecutor(1) as other, store.session() as first:
        claim(first, store, key)
        second = other.submit(claim_anew, store, key)

        with pytest.raises(idempotency.RequestInFlight):
            second.result(timeout=10)  # who waited for the first instead would wait for the end of this block


def claim(session: Session, store: StoreUnderTest, key: str) -> idempotency.Claim:
    return idempotency.claim(session, store_id=store.id, caller="till", route="sell", key=key, request=b"one mug")


def claim_anew(store: StoreUnderTest, key: str) -> idempotency.Claim:
    with store.session() as session:
        return claim(session, store, key)
