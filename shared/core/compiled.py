"""Constant statements, compiled once for the driver, which then takes them without SQLAlchemy's way to it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, TextClause
from sqlalchemy.orm import Session


def spoken(session: Session, statement: TextClause, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """Return a statement as the driver has it, and its values in their order. `statement` is a module's constant."""
    sql, names = _compiled(statement, session.get_bind().dialect)
    return sql, tuple([values[name] for name in names])


@lru_cache(maxsize=512)
def _compiled(statement: TextClause, dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    compiled = statement.compile(dialect=dialect)
    return compiled.string, tuple(compiled.positiontup or ())
