"""When a schedule is due: EventBridge's `rate(...)` and `cron(...)` expressions, in UTC.

Of cron, what EventBridge calls `L`, `W` and `#` is refused, since no schedule of ours needs it.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_CRON_FIELDS = 6
_HORIZON = 8  # years; the longest pause between two 29ths of February


class Timetable(Protocol):
    """The times at which a schedule is due."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first time after `moment`; None when there is none any more."""


@dataclass(frozen=True)
class Rate:
    """Every so often, counted from when the system started."""

    every: timedelta

    def after(self, moment: datetime) -> datetime:
        """Return the time one pause later."""
        return moment + self.every


@dataclass(frozen=True)
class Cron:
    """At the minutes, hours and days that a cron expression names."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # 1 is Sunday
    years: frozenset[int]

    def after(self, moment: datetime) -> datetime | None:
        """Return the first matching minute after `moment`. Looks at a day at a time, at most eight years ahead."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        for day in range(366 * _HORIZON):
            date = midnight + timedelta(days=day)
            if not self._has_day(date):
                continue
            times = (date.replace(hour=hour, minute=m) for hour in sorted(self.hours) for m in sorted(self.minutes))
            if due := next((time for time in times if time > moment), None):
                return due
        return None

    def _has_day(self, date: datetime) -> bool:
        weekday = date.isoweekday() % 7 + 1
        return (
            date.year in self.years
            and date.month in self.months
            and date.day in self.days
            and date.day <= monthrange(date.year, date.month)[1]
            and weekday in self.weekdays
        )


def parse(expression: str) -> Timetable:
    """Read `rate(5 minutes)` or `cron(0 3 * * ? *)`.

    Raises:
        ValueError: EventBridge would refuse the expression, or it uses L, W or #.
    """
    if rate := _RATE.fullmatch(expression):
        number, unit, plural = int(rate[1]), rate[2], bool(rate[3])
        if number < 1 or plural != (number > 1):
            message = f"{expression}: EventBridge wants 1 {unit}, or several {unit}s."
            raise ValueError(message)
        return Rate(number * _UNITS[unit])
    fields = expression.removeprefix("cron(").removesuffix(")").split(" ")
    if not expression.startswith("cron(") or not expression.endswith(")") or len(fields) != _CRON_FIELDS:
        message = f"{expression}: neither rate(N minutes|hours|days) nor cron(minute hour day month weekday year)."
        raise ValueError(message)
    minutes, hours, days, months, weekdays, years = fields
    if (days == "?") == (weekdays == "?"):
        message = f"{expression}: one of day and weekday must be '?', and only one."
        raise ValueError(message)
    return Cron(
        minutes=_values(minutes, 0, 59),
        hours=_values(hours, 0, 23),
        days=_values(days, 1, 31),
        months=_values(months, 1, 12, _MONTHS),
        weekdays=_values(weekdays, 1, 7, _WEEKDAYS),
        years=_values(years, 1970, 2199),
    )


def _values(field: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """Read one field: `*`, `?`, values, ranges `a-b`, steps `a/n`, and lists of these."""

    def number(text: str) -> int:
        value = names.index(text.upper()) + 1 if text.upper() in names else int(text)
        if not lowest <= value <= highest:
            message = f"{text} is not within {lowest}-{highest}."
            raise ValueError(message)
        return value

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = lowest, highest
        elif "-" in span:
            low, _, high = span.partition("-")
            first, last = number(low), number(high)
        else:
            first = number(span)
            last = highest if step else first
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)
