"""What lists are made of in SQL: conditions from a query string, and positions in a total order.

Used by `shared.core.paging`; a domain declares `paging.Listing` and does not come here.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, SQLColumnExpression, and_, false, literal, or_, tuple_

from shared.core.moments import Moment

Operator = Literal["eq", "ne", "in", "gt", "gte", "lt", "lte", "null"]

MAX_CHOICES = 100  # values of one `in`

_LONGEST_CURSOR = 8192  # characters; a sort key may be a long text
_BIGINT = 2**63
_IN_WORDS = {
    "eq": "Equal to this.",
    "ne": "Different from this.",
    "in": f"One of these, with commas between; at most {MAX_CHOICES}.",
    "gt": "After or above this.",
    "gte": "From this on.",
    "lt": "Before or below this.",
    "lte": "Up to and with this.",
    "null": "`true`: there is no value; `false`: there is one.",
}


class UnreadableValue(ValueError):
    """A value of a query string, or a cursor, cannot be used; the text says what could."""


@dataclass(frozen=True)
class Filter:
    """A column that a list may be filtered by, and how.

    `eq` is asked for by the bare name (`status=placed`), any other operator in brackets (`created_at[gte]=...`).
    `accepts` is the pydantic type of a value, where the column's own does not say it: `accepts=OrderId`.
    """

    column: SQLColumnExpression[Any]
    operators: Sequence[Operator] = ("eq",)
    accepts: Any = None

    def __post_init__(self) -> None:
        """Refuse an operator that does not exist."""
        if unknown := set(self.operators) - set(get_args(Operator)):
            raise TypeError(f"There is no operator {', '.join(sorted(unknown))}.")

    def spellings(self, name: str) -> dict[str, Operator]:
        """Return the parameters by which this filter is asked for, and what each asks."""
        return {name if operator == "eq" else f"{name}[{operator}]": operator for operator in self.operators}

    def read(self, operator: Operator, text: str) -> Any:  # noqa: ANN401 -- whatever the column holds
        """Read the value of a query parameter.

        Raises:
            UnreadableValue: it is not one.
        """
        if operator == "null":
            if text not in ("true", "false"):
                raise UnreadableValue("Say true or false.")
            return text == "true"
        if operator != "in":
            return self._value(text)
        choices = text.split(",")
        if len(choices) > MAX_CHOICES:
            raise UnreadableValue(f"At most {MAX_CHOICES} values are taken at once.")
        return [self._value(choice) for choice in choices]

    def clause(self, operator: Operator, value: Any) -> ColumnElement[bool]:  # noqa: ANN401 -- what `read` returned
        """Return the SQL condition. An absent value differs from every value, and is neither before nor after any."""
        column = self.column
        clauses: dict[str, Any] = {
            "eq": lambda: column == value,
            "ne": lambda: column.is_distinct_from(value),
            "in": lambda: column.in_(value),
            "gt": lambda: column > value,
            "gte": lambda: column >= value,
            "lt": lambda: column < value,
            "lte": lambda: column <= value,
            "null": lambda: column.is_(None) if value else column.is_not(None),
        }
        clause: ColumnElement[bool] = clauses[operator]()
        return clause

    def documentation(self, name: str) -> list[tuple[str, dict[str, Any], str]]:
        """Return parameter, JSON schema and description of each operator."""
        schema = self._adapter.json_schema()
        schemas = {"in": {"type": "string"}, "null": {"type": "boolean"}}
        return [
            (parameter, schemas.get(operator, schema), _IN_WORDS[operator])
            for parameter, operator in self.spellings(name).items()
        ]

    def _value(self, text: str) -> Any:  # noqa: ANN401 -- whatever the column holds
        try:
            return self._adapter.validate_strings(text)
        except ValidationError as refused:
            told = refused.errors(include_url=False, include_input=False, include_context=False)[0]["msg"]
            raise UnreadableValue(f"{told}.") from refused

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return _adapter(self.column) if self.accepts is None else TypeAdapter(self.accepts)


@dataclass(frozen=True)
class Keyset:
    """A total order by columns, the last of which is unique; all in one direction, as an index can be read.

    NULLs come where PostgreSQL puts them, last in ascending and first in descending order, so that one plain index
    serves both directions.
    """

    columns: tuple[SQLColumnExpression[Any], ...]
    descending: bool

    def order(self) -> list[ColumnElement[Any]]:
        """Return what goes into ORDER BY."""
        return [column.desc() if self.descending else column.asc() for column in self._expressions]

    def labelled(self) -> list[ColumnElement[Any]]:
        """Return what has to be selected so that a row's position can be told."""
        return [column.label(f"_key_{place}") for place, column in enumerate(self._expressions)]

    def beyond(self, values: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition of the rows after a position.

        A row comparison wherever no NULL can come after it, which the index answers as a range; ascending by a column
        that may be NULL, the longer form, for which PostgreSQL reads the index from its beginning.
        """
        bound = [literal(value, column.type) for value, column in zip(values, self._expressions, strict=True)]
        may_meet_null = not self.descending and any(_is_nullable(column) for column in self._expressions)
        if None not in values and not may_meet_null:
            here, there = tuple_(*self._expressions), tuple_(*bound)
            return here < there if self.descending else here > there
        condition: ColumnElement[bool] = false()
        for column, value, given in zip(reversed(self._expressions), reversed(bound), reversed(values), strict=True):
            same = column.is_(None) if given is None else column == value
            condition = or_(self._strictly_beyond(column, value, given), and_(same, condition))
        return condition

    def cursor(self, fingerprint: str, values: Sequence[Any]) -> str:
        """Write a position as an opaque text, bound to what `fingerprint` stands for."""
        told = [
            None if value is None else adapter.dump_python(value, mode="json")
            for adapter, value in zip(self._adapters, values, strict=True)
        ]
        text = json.dumps([fingerprint, *told], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def position(self, cursor: str, fingerprint: str) -> tuple[Any, ...]:
        """Read a position back.

        Raises:
            UnreadableValue: it is no cursor, or one of other filters or another sort.
        """
        unreadable = UnreadableValue("This is no cursor of this list; take page.next_cursor as it is.")
        if len(cursor) > _LONGEST_CURSOR:
            raise unreadable
        try:
            told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except (ValueError, RecursionError):
            raise unreadable from None
        if not isinstance(told, list) or len(told) != len(self.columns) + 1:
            raise unreadable
        if told[0] != fingerprint:
            raise UnreadableValue("This cursor belongs to other filters or another sort; begin again without it.")
        try:
            return tuple(_read_key(column, value) for column, value in zip(self._expressions, told[1:], strict=True))
        except ValidationError:
            raise unreadable from None

    def _strictly_beyond(
        self,
        column: ColumnElement[Any],
        value: ColumnElement[Any],
        given: object,
    ) -> ColumnElement[bool]:
        if self.descending:
            return column.is_not(None) if given is None else column < value
        return false() if given is None else or_(column > value, column.is_(None))

    @cached_property
    def _adapters(self) -> tuple[TypeAdapter[Any], ...]:
        return tuple(map(_adapter, self._expressions))

    @cached_property
    def _expressions(self) -> tuple[ColumnElement[Any], ...]:
        return tuple(_expression(column) for column in self.columns)


def _expression(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = cast("Any", column).expression  # of a mapped attribute as of a plain column
    return expression


def _is_nullable(column: ColumnElement[Any]) -> bool:
    return bool(getattr(column, "nullable", True))  # an expression may always be NULL


def _read_key(column: ColumnElement[Any], value: object) -> Any:  # noqa: ANN401 -- whatever the column holds
    if value is None and _is_nullable(column):
        return None
    return _adapter(column).validate_json(json.dumps(value))


def _adapter(column: SQLColumnExpression[Any]) -> TypeAdapter[Any]:
    return _adapter_of(_expression(column).type.python_type)  # type: ignore[arg-type]  # mypy takes type for unhashable


@lru_cache
def _adapter_of(kind: type) -> TypeAdapter[Any]:
    """Return how values of a column are read from text: within what PostgreSQL can hold, moments with their zone."""
    within: dict[type, Any] = {
        int: Annotated[int, Field(ge=-_BIGINT, lt=_BIGINT)],
        datetime: Moment,
        str: Annotated[str, Field(pattern=r"^[^\x00]*$")],
    }
    return TypeAdapter(within.get(kind, kind))
