"""The one clock: UTC, and standing still where a test says so."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.core import clock

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_now_is_this_moment_in_utc() -> None:
    before = datetime.now(UTC)

    told = clock.now()

    assert before <= told <= datetime.now(UTC)
    assert told.tzinfo is UTC


def test_a_frozen_clock_moves_only_when_told() -> None:
    with clock.frozen(NOON) as frozen:
        first, second = clock.now(), clock.now()
        frozen.tick(timedelta(minutes=15))
        third = clock.now()
        frozen.move_to(NOON - timedelta(days=1))
        fourth = clock.now()

    assert [first, second, third, fourth] == [
        NOON,
        NOON,
        NOON + timedelta(minutes=15),
        NOON - timedelta(days=1),
    ]


def test_a_frozen_clock_stands_still_for_every_thread() -> None:
    told: list[datetime] = []

    with clock.frozen(NOON):
        thread = threading.Thread(target=lambda: told.append(clock.now()))
        thread.start()
        thread.join()

    assert told == [NOON]


def test_the_clock_before_returns_after_the_block_even_when_it_raises() -> None:
    later = NOON + timedelta(days=1)

    with clock.frozen(NOON):
        with pytest.raises(ZeroDivisionError), clock.frozen(later):
            _ = 1 // 0
        inside = clock.now()

    assert inside == NOON
    assert clock.now() != NOON


def test_another_time_zone_is_told_in_utc() -> None:
    dhaka = timezone(timedelta(hours=6))

    with clock.frozen(datetime(2026, 11, 21, 18, tzinfo=dhaka)):
        told = clock.now()

    assert (told.hour, told.tzinfo) == (12, UTC)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    naive = NOON.replace(tzinfo=None)

    with pytest.raises(ValueError, match="time zone"), clock.frozen(naive):
        pass

    assert clock.now().year >= 2026
