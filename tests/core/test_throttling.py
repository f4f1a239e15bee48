"""How often something may be tried: so many times at once, and then one by one, whatever becomes of it."""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core import clock, ids, throttling
from shared.core.errors import TooManyRequests
from shared.core.idempotency import PLATFORM_STORE
from shared.core.throttling import Limit
from tests.application import Watch
from tests.database import Sql

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _is_let(tenant_id: UUID, subject: str, *, most: int = 3, minutes: int = 15) -> bool:
    try:
        throttling.take(tenant_id, "sign_in", subject, most=most, within=timedelta(minutes=minutes))
    except TooManyRequests:
        return False
    return True


def test_a_limit_lets_so_many_through_and_then_one_at_a_time() -> None:
    tenant = ids.new_id()
    with clock.frozen(NOON) as frozen:
        at_once = [_is_let(tenant, "rahim@example.com") for _ in range(5)]
        frozen.tick(timedelta(minutes=4, seconds=59))
        too_early = _is_let(tenant, "rahim@example.com")
        frozen.tick(timedelta(seconds=1))
        later = [_is_let(tenant, "rahim@example.com") for _ in range(2)]
        frozen.tick(timedelta(minutes=15))
        afresh = [_is_let(tenant, "rahim@example.com") for _ in range(4)]

    assert at_once == [True, True, True, False, False]
    assert (too_early, later) == (False, [True, False])
    assert afresh == [True, True, True, False]


def test_a_refusal_says_when_to_try_again() -> None:
    tenant = ids.new_id()
    with clock.frozen(NOON) as frozen:
        throttling.take(tenant, "code", "x", most=1, within=timedelta(minutes=10))
        frozen.tick(timedelta(minutes=4))

        with pytest.raises(TooManyRequests) as refused:
            throttling.take(tenant, "code", "x", most=1, within=timedelta(minutes=10))

    assert refused.value.headers == {"Retry-After": "360"}
    assert refused.value.detail == "This was tried too often. Try again in 6 minutes."


def test_subjects_purposes_and_tenants_have_limits_of_their_own() -> None:
    one, other = ids.new_id(), ids.new_id()
    within = timedelta(minutes=1)

    throttling.take(one, "code", "a", most=1, within=within)
    throttling.take(one, "code", "b", most=1, within=within)
    throttling.take(one, "mail", "a", most=1, within=within)
    throttling.take(other, "code", "a", most=1, within=within)

    with pytest.raises(TooManyRequests):
        throttling.take(one, "code", "a", most=1, within=within)


def test_several_limits_are_taken_at_once_and_the_longest_wait_is_told() -> None:
    tenant = ids.new_id()
    short = Limit("account", "a", most=1, within=timedelta(minutes=1))
    long = Limit("address", "b", most=1, within=timedelta(hours=1))
    other = Limit("both", "c", most=1, within=timedelta(hours=1))
    with clock.frozen(NOON):
        throttling.take_each(tenant, short, long)

        with pytest.raises(TooManyRequests) as refused:
            throttling.take_each(tenant, short, long, other)
        with pytest.raises(TooManyRequests):  # it was counted, although others refused
            throttling.take_each(tenant, other)

    assert refused.value.headers == {"Retry-After": "3600"}


def test_of_many_at_once_no_more_pass_than_may(sql: Sql) -> None:
    tenant = ids.new_id()
    with clock.frozen(NOON), ThreadPoolExecutor(8) as pool:
        let = list(pool.map(lambda _: _is_let(tenant, "rahim@example.com", most=5), range(40)))

    assert let.count(True) == 5
    assert len(sql("select 1 from throttles where store_id = %s", tenant)) == 1


def test_a_subject_is_kept_as_a_fingerprint_alone(sql: Sql) -> None:
    tenant = ids.new_id()

    throttling.take(tenant, "sign_in", "rahim@example.com", most=3, within=timedelta(minutes=1))

    [kept] = sql("select key, t::text as whole from throttles t where store_id = %s", tenant)
    assert len(kept["key"]) == 32
    assert "rahim" not in kept["whole"]


def test_what_holds_nobody_back_any_more_goes_with_the_tries_of_others(sql: Sql) -> None:
    tenant = ids.new_id()
    with clock.frozen(NOON) as frozen:
        for number in range(40):
            throttling.take(tenant, "sign_in", str(number), most=3, within=timedelta(minutes=1))
        frozen.tick(timedelta(hours=1))
        for number in range(math.ceil(40 / 4)):
            throttling.take(tenant, "sign_in", f"later {number}", most=3, within=timedelta(minutes=1))

        assert len(sql("select 1 from throttles where store_id = %s and free_at < %s", tenant, clock.now())) == 0


def test_a_try_is_one_statement(watch: Watch) -> None:
    mark = len(watch.statements)

    throttling.take(PLATFORM_STORE, "sign_in", "someone", most=3, within=timedelta(minutes=1))

    assert watch.count_since(mark) == 1
