"""A claim of a request, as two transactions at once see it; the way of a whole request is in test_http.py."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.core import database, driver, idempotency, ids, tenancy
from shared.core.settings import use_settings
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("application", "spoken")


@pytest.fixture(params=["one_trip", "named", "plain"])
def spoken(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let each of the drivers speak to PostgreSQL."""
    database.dispose()
    with use_settings(database_driver=request.param):
        yield
        database.dispose()


def test_who_comes_while_the_first_request_runs_is_told_so_at_once() -> None:
    store, key = a_store(), str(ids.new_id())

    with ThreadPoolExecutor(1) as other, store.session() as first:
        claim(first, store, key)
        second = other.submit(claim_anew, store, key)

        with pytest.raises(idempotency.RequestInFlight):
            second.result(timeout=10)  # who waited for the first instead would wait for the end of this block


CREDENTIAL = {"name": "Till", "scopes": ["order.read"]}
_RENAME = text("update stores set name = :name where id = :id")


@pytest.mark.parametrize("has_ended", [True, False])
def test_nothing_that_travels_behind_a_claim_is_done_where_the_key_was_used(*, has_ended: bool) -> None:
    store, key = a_store(), str(ids.new_id())

    with ThreadPoolExecutor(1) as other, store.session() as first:
        claim(first, store, key)
        rename(first, store, "First")
        if has_ended:
            first.commit()
        second = other.submit(rename_under, store, key)

        with pytest.raises(DBAPIError) as refused:
            second.result(timeout=10)  # it did not wait for the row that the first one has locked
    with store.session() as session:
        name = session.scalar(text("select name from stores"))

    assert driver.sqlstate(refused.value) == idempotency.CLAIMED
    assert name == "First"


def test_a_key_that_is_new_or_kept_for_long_enough_is_claimed_along() -> None:
    store, key = a_store(), str(ids.new_id())

    for name in ("New", "Again"):
        rename_under(store, key, name)
        with store.session() as session:
            assert session.scalar(text("select name from stores")) == name
            session.execute(text("update idempotency_keys set expires_at = now() - interval '1 second'"))


def test_the_same_request_again_gets_the_same_answer_by_each_driver() -> None:
    store, key = a_store(stock={"MUG": 5}), {"Idempotency-Key": str(ids.new_id())}

    first, again = (store.merchant.post("/credentials", json=CREDENTIAL, headers=key) for _ in range(2))
    other = store.merchant.post("/credentials", json=CREDENTIAL | {"name": "Other"}, headers=key)

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.text == first.text


def rename(session: Session, store: StoreUnderTest, name: str) -> None:
    tenancy.run(session, _RENAME, {"name": name, "id": store.id})


def rename_under(store: StoreUnderTest, key: str, name: str = "Second") -> None:
    with store.session() as session:
        claim(session, store, key, along=True)
        rename(session, store, name)


def claim(session: Session, store: StoreUnderTest, key: str, *, along: bool = False) -> idempotency.Claim:
    return idempotency.claim(
        session, store_id=store.id, caller="till", route="sell", key=key, request=b"one mug", along=along
    )


def claim_anew(store: StoreUnderTest, key: str) -> idempotency.Claim:
    with store.session() as session:
        return claim(session, store, key)
