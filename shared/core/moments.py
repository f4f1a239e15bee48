"""Moments on the wire: RFC 3339, with their time zone. A bare number is none: seconds or milliseconds, nobody knows."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_WRITTEN_OUT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*")


def _require_written_out(given: object) -> object:
    """Pydantic alone would take 0, and "0", for the first second of 1970."""
    if isinstance(given, datetime) or (isinstance(given, str) and _WRITTEN_OUT.fullmatch(given)):
        return given
    kind = "moment"
    raise PydanticCustomError(kind, "A moment with its time zone is expected, such as 2026-11-21T09:00:00Z.")


def _in_universal_time(given: datetime) -> datetime:
    """At the ends of the calendar, a moment of another zone may lie beyond it."""
    try:
        return given.astimezone(UTC)
    except OverflowError:
        kind = "moment"
        raise PydanticCustomError(kind, "This moment lies beyond the years 1 to 9999.") from None


Moment = Annotated[AwareDatetime, BeforeValidator(_require_written_out), AfterValidator(_in_universal_time)]
"""A moment that a request names, in UTC."""
