"""The local scheduler: when schedules are due, and that they fire once each time, however late."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local import timetable
from infra.local.runs import Runs
from infra.local.scheduler import Scheduler
from shared.core import clock
from tests.local import handlers
from tests.local.factories import a_schedule

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday


def test_each_schedule_fires_soon_after_the_start_and_then_at_its_rate(inbox: handlers.Inbox) -> None:
    with clock.frozen(NOON) as now:
        scheduler = Scheduler([a_schedule("rate(5 minutes)")], Runs())

        fired = [scheduler.fire_due()]
        now.tick(timedelta(seconds=2))
        fired.append(scheduler.fire_due())
        fired.append(scheduler.fire_due())
        now.tick(timedelta(minutes=5))
        fired.append(scheduler.fire_due())

    assert fired == [0, 1, 0, 1]
    assert [event["time"] for event in inbox.firings] == ["2026-11-21T12:00:02Z", "2026-11-21T12:05:02Z"]
    assert inbox.firings[0]["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/shop-tick"]


def test_a_laptop_that_slept_fires_once_and_not_for_every_time_it_missed(inbox: handlers.Inbox) -> None:
    with clock.frozen(NOON) as now:
        scheduler = Scheduler([a_schedule("rate(1 minute)")], Runs())
        now.tick(timedelta(hours=9))

        fired = [scheduler.fire_due(), scheduler.fire_due()]
        due = scheduler.next_times()["shop-tick"]

    assert fired == [1, 0]
    assert len(inbox.firings) == 1
    assert due == NOON + timedelta(hours=9, minutes=1)


def test_a_schedule_that_fails_is_recorded_and_fires_again(inbox: handlers.Inbox) -> None:
    inbox.crash = True
    runs = Runs()
    with clock.frozen(NOON) as now:
        scheduler = Scheduler([a_schedule("rate(1 minute)"), a_schedule("rate(1 minute)", "shop-tock")], runs)
        now.tick(timedelta(seconds=2))
        scheduler.fire_due()
        now.tick(timedelta(minutes=1))
        scheduler.fire_due()

    assert len(inbox.firings) == 4
    assert [(run.name, run.outcome) for run in runs.latest()] == [
        ("shop-tock", "failed"),
        ("shop-tick", "failed"),
        ("shop-tock", "failed"),
        ("shop-tick", "failed"),
    ]
    assert "this firing fails" in runs.latest()[0].error


def test_a_schedule_fires_out_of_turn_when_asked(inbox: handlers.Inbox) -> None:
    with clock.frozen(NOON):
        scheduler = Scheduler([a_schedule("cron(0 3 * * ? *)")], Runs())

        scheduler.ask("shop-tick")
        fired = [scheduler.fire_due(), scheduler.fire_due()]

    assert fired == [1, 0]
    assert len(inbox.firings) == 1


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 minute)", "2026-11-21T12:01"),
        ("rate(2 hours)", "2026-11-21T14:00"),
        ("rate(7 days)", "2026-11-28T12:00"),
        ("cron(0 3 * * ? *)", "2026-11-22T03:00"),
        ("cron(0 12 * * ? *)", "2026-11-22T12:00"),
        ("cron(0/15 * * * ? *)", "2026-11-21T12:15"),
        ("cron(30 8 1 * ? *)", "2026-12-01T08:30"),
        ("cron(0 9 ? * MON-FRI *)", "2026-11-23T09:00"),
        ("cron(0 9 ? * 1 *)", "2026-11-22T09:00"),
        ("cron(5,10 0 ? JAN SUN 2027)", "2027-01-03T00:05"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00"),
        ("cron(0 0 31 4 ? *)", None),
        ("cron(0 0 1 1 ? 2020)", None),
    ],
)
def test_the_next_time_of_an_expression(expression: str, due: str | None) -> None:
    table = timetable.parse(expression)

    found = table.after(NOON)

    assert (found and f"{found:%Y-%m-%dT%H:%M}") == due


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "every minute",
        "cron(0 3 * * *)",
        "cron(0 3 * * * *)",
        "cron(0 3 ? * ? *)",
        "cron(60 3 * * ? *)",
        "cron(0 3 L * ? *)",
        "cron(0 3 ? * 6#3 *)",
    ],
)
def test_what_eventbridge_would_refuse_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        timetable.parse(expression)
