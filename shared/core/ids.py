"""Ids: UUIDv7 in the database, TypeIDs on the wire (`ord_01h455vb4pex5vsknk084sn02q`).

A UUIDv7 begins with its millisecond, so ids sort by birth and indexes grow at one end. A TypeID is the same 128 bits in
Crockford's base 32, after a prefix that says what the id names: a product's id sent where an order's belongs is refused
before any query. The form is the TypeID specification, version 0.3.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from uuid_utils.compat import uuid7

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: without i, l, o and u, which people misread
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 26  # characters of five bits each; the first one carries the three that 128 leaves over
_SUFFIX = "[0-7][0-9a-hjkmnp-tv-z]{25}"
_SUFFIX_FORM = re.compile(_SUFFIX)
_PREFIX_FORM = re.compile(r"[a-z](?:[a-z_]{0,61}[a-z])?")
_EXAMPLE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def new_id() -> UUID:
    """Make a UUIDv7 of this moment; ids of one process increase, within a millisecond too.

    The moment is the machine's own even while tests freeze the clock: ids must stay increasing and without repetition.
    """
    return uuid7()


def lower_bound(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of the millisecond of `at`: where a partition of a time-ordered log begins.

    Raises:
        ValueError: `at` has no time zone, or lies before 1970.
    """
    if at.utcoffset() is None:
        message = "A moment needs its time zone: datetime(..., tzinfo=UTC)."
        raise ValueError(message)
    milliseconds = int(at.timestamp()) * 1000 + at.microsecond // 1000
    if milliseconds < 0:
        message = "A UUIDv7 cannot name a moment before 1970."
        raise ValueError(message)
    version, variant = 7 << 76, 2 << 62
    return UUID(int=milliseconds << 80 | version | variant)


def encode(prefix: str, identifier: UUID) -> str:
    """Write an id as people and integrations see it: `ord_01h455vb4pex5vsknk084sn02q`."""
    number = identifier.int
    digits = [_ALPHABET[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def decode(prefix: str, text: str) -> UUID:
    """Read an id of that prefix back. Strict, so that an id has one spelling: lower case, 26 characters.

    Raises:
        ValueError: the text is no TypeID, or one of another prefix.
    """
    head, _, suffix = text.rpartition("_")
    if head != prefix or _SUFFIX_FORM.fullmatch(suffix) is None:
        message = f"An id of the form {encode(prefix, _EXAMPLE)} is expected."
        raise ValueError(message)
    number = 0
    for character in suffix:
        number = number << 5 | _VALUES[character]
    return UUID(int=number)


@dataclass(frozen=True)
class TypeID:
    """Mark a UUID that is a TypeID on the wire: `OrderId = Annotated[UUID, TypeID("ord")]`.

    Pydantic reads the text into a UUID (a UUID object passes as it is), writes JSON as the text, and documents the
    pattern. Python's own dumps keep the UUID.
    """

    prefix: str

    def __post_init__(self) -> None:
        """Refuse a prefix that the specification does."""
        if _PREFIX_FORM.fullmatch(self.prefix) is None:
            message = f"{self.prefix!r} is no TypeID prefix: lower-case letters, and underscores between them."
            raise ValueError(message)

    def __get_pydantic_core_schema__(self, _source: type[Any], _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate and serialize as a TypeID."""
        return core_schema.no_info_plain_validator_function(
            self._validated,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._text,
                return_schema=core_schema.str_schema(),
                when_used="json",
            ),
        )

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Document the text."""
        return {
            "type": "string",
            "pattern": f"^{self.prefix}_{_SUFFIX}$",
            "examples": [encode(self.prefix, _EXAMPLE)],
        }

    def _validated(self, given: object) -> UUID:
        if isinstance(given, UUID):
            return given
        try:
            return decode(self.prefix, given if isinstance(given, str) else "")
        except ValueError as error:
            kind = "type_id"
            raise PydanticCustomError(kind, "{reason}", {"reason": str(error)}) from error

    def _text(self, identifier: UUID) -> str:
        return encode(self.prefix, identifier)
