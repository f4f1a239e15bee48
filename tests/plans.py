"""What PostgreSQL tells of the plans by which it ran the application's statements (auto_explain).

Everything is told: statements within look-up functions, and those of foreign keys. A plan comes as a notice, on the
connection that the statement was run on.
"""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.core import database as core_database
from shared.core import driver
from tests.database import Database

TELLER = "auto_explain"
READING = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan")

type Plan = dict[str, Any]
type Step = dict[str, Any]


def run(here: Database, *statements: str) -> None:
    """Run statements as superuser, each in a transaction of its own."""
    with driver.connect_to(here.superuser_url) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def make_told(here: Database) -> None:
    """Let the sessions that the application opens in a database from now on tell their plans."""
    name = here.app_url.rpartition("/")[2]
    wanted = {
        "session_preload_libraries": TELLER,
        f"{TELLER}.log_min_duration": "0",
        f"{TELLER}.log_nested_statements": "on",
        f"{TELLER}.log_analyze": "on",
        f"{TELLER}.log_timing": "off",
        f"{TELLER}.log_format": "json",
        f"{TELLER}.log_level": "notice",
    }
    load = f"load '{TELLER}'"  # so that its settings are known to who makes them
    settings = [f"alter role stormcom_app in database {name} set {key} = '{value}'" for key, value in wanted.items()]
    run(here, load, *settings)
    core_database.dispose()


@contextmanager
def told() -> Iterator[list[Plan]]:
    """Collect the plans of what the application runs meanwhile, on the one connection that requests in turn share."""
    plans: list[Plan] = []
    connection = core_database.engine().raw_connection()
    try:
        driven: Any = connection.dbapi_connection
    finally:
        connection.close()
    driven.notices = deque()  # the driver's own keeps the last hundred
    yield plans
    for notice in driven.notices:
        said = notice[b"M"].decode()
        if "plan:" in said:
            plans.append(json.loads(said.partition("plan:")[2]))
    assert plans, f"PostgreSQL told no plan: is {TELLER} loaded?"


def reading_steps(plan: Plan) -> list[Step]:
    """Return the steps of a plan that read a table or an index and were carried out."""
    return [step for step in _steps(plan["Plan"]) if step["Node Type"] in READING and step["Actual Loops"]]


def taken_up(step: Step) -> float:
    """Return how many rows a step took up, kept or not, however often it was carried out."""
    dropped = step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    rows: float = (step["Actual Rows"] + dropped) * step["Actual Loops"]
    return rows


def _steps(step: Step) -> Iterator[Step]:
    yield step
    for below in step.get("Plans", ()):
        yield from _steps(below)
