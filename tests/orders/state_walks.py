"""Walks every pair of states through the database: what the trigger lets pass, whoever takes the step."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.core import driver
from shared.core.states import StateMachine
from tests.database import Database


@dataclass(frozen=True)
class Walk:
    """One column that is a state machine, and a row of its table to walk with.

    `checks` are the constraints that tie the state to other columns: they are dropped for the walk, in a transaction
    that is undone. `fresh` is what a copy of the row must have anew, as SQL by column.
    """

    database: Database
    table: str
    column: str
    row_id: UUID
    checks: Sequence[str] = ()
    fresh: Mapping[str, str] | None = None

    def steps(self, machine: StateMachine) -> set[tuple[str, str]]:
        """Return the pairs of different states between which the database lets the row go."""
        pairs = [(before, after) for before in machine.states for after in machine.states if before != after]
        return {(before, after) for before, after in pairs if self._lets(before, after)}

    def beginnings(self, machine: StateMachine) -> set[str]:
        """Return the states in which the database lets a row begin."""
        return {state for state in machine.states if self._lets_begin(state)}

    def _lets(self, before: str, after: str) -> bool:
        with self._prepared() as cursor:
            cursor.execute("set local session_replication_role = replica")  # no triggers while the row is put there
            cursor.execute(f"update {self.table} set {self.column} = %s where id = %s", (before, self.row_id))
            cursor.execute("set local session_replication_role = origin")
            return _passes(cursor, f"update {self.table} set {self.column} = %s where id = %s", (after, self.row_id))

    def _lets_begin(self, state: str) -> bool:
        told = ", ".join(f"'{column}', {value}" for column, value in (self.fresh or {}).items())
        with self._prepared() as cursor:
            return _passes(
                cursor,
                f"insert into {self.table} select (jsonb_populate_record(t, jsonb_build_object("
                f"'id', gen_random_uuid(), '{self.column}', %s::text, {told}))).* from {self.table} t where id = %s",
                (state, self.row_id),
            )

    @contextmanager
    def _prepared(self) -> Iterator[Any]:
        with driver.connect_to(self.database.superuser_url) as connection:
            cursor = connection.cursor()
            for check in self.checks:
                cursor.execute(f"alter table {self.table} drop constraint {check}")
            yield cursor
            connection.rollback()


def _passes(cursor: Any, statement: str, values: tuple[object, ...]) -> bool:
    try:
        cursor.execute(statement, values)
    except driver.DatabaseError as refused:
        if driver.sqlstate(refused) == "23514" and refused.args[0]["n"].endswith("_steps"):
            return False
        raise  # refused for another reason: the walk itself is wrong
    return True


def declared(machine: StateMachine) -> set[tuple[str, str]]:
    """Return the steps that a machine declares."""
    return {(before, after) for before, afters in machine.steps.items() for after in afters}


def refused_by_code(machine: StateMachine) -> Iterator[tuple[str, str]]:
    """Yield every pair of different states that the machine does not declare."""
    for before in machine.states:
        for after in machine.states - machine.steps[before] - {before}:
            yield before, after
