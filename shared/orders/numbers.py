"""Order numbers: an integer in the database, "#1001" on the wire and on paper."""

from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_LONGEST = 18  # digits of a bigint


def written(number: int) -> str:
    """Write a number as people see it."""
    return f"#{number}"


def _read(given: object) -> object:
    if not isinstance(given, str):
        return given
    digits = given.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST):
        message = "An order number looks like #1001"
        raise ValueError(message)
    return int(digits)


OrderNumber = Annotated[
    int,
    BeforeValidator(_read),
    PlainSerializer(written, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^#[0-9]{1,18}$", "examples": ["#1001"]}),
]
"""The number of an order; read with or without its #."""
