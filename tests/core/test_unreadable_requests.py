"""Requests that nobody means, each found by `tests/proof`'s bad input: refused, and no failure of ours."""

import pytest

from shared.core import ids
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("application")


def test_a_body_nested_a_hundred_thousand_deep_is_refused_with_a_key_and_without() -> None:
    store, body = a_store(), b'{"a":' * 100_000 + b"0" + b"}" * 100_000

    refused = [store.merchant.post("/products", body=body, key=key) for key in (False, str(ids.new_id()))]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(400, "malformed_request")] * 2


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0", "1e10", "2026-11-21"]
)
def test_a_list_is_not_filtered_by_what_is_no_moment(moment: str) -> None:
    store = a_store()

    refused = store.merchant.get("/products", params={"created_at[lt]": moment})

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_listing")


@pytest.mark.parametrize("moment", [0, "0", 1e10, True, "2026-11-21T09:00:00", "9999-12-31T23:59:59-14:00"], ids=repr)
def test_a_token_does_not_end_at_what_is_no_moment(moment: object) -> None:
    store = a_store()

    refused = store.merchant.post("/credentials", json={"name": "Till", "scopes": ["order.read"], "expires_at": moment})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expires_at")


@pytest.mark.parametrize("word", [0, 1, "yes", "true", 1.0], ids=repr)
def test_a_yes_or_no_is_true_or_false_and_nothing_like_it(word: object) -> None:
    store = a_store(stock={"MUG": 1})

    refused = store.merchant.patch(f"/inventory/{store.variant('MUG')}", json={"allow_backorder": word})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/allow_backorder")


@pytest.mark.parametrize(
    "host", ["[::1]:8000", "2026-11-21T24:00:00Z", "a:b:c", "a/../..?x=1#y", "[", "", "shop.test:999999"]
)
def test_an_unreadable_host_name_is_no_failure(host: str) -> None:
    store = a_store()

    answer = store.merchant.get("/store", headers={"Host": host})

    assert (answer.status_code, answer.json()["slug"]) == (200, store.slug)


def test_what_is_wrong_is_told_without_the_words_of_our_libraries() -> None:
    store = a_store()

    refused = store.merchant.post("/credentials", json={"name": "Till", "scopes": ["order.eat"]})

    assert [error["message"] for error in refused.json()["errors"]] == ["There is no permission 'order.eat'."]
