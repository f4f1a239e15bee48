"""What the tables say is so: their tests exist, no row of the standard is left out, and some rows are shown here."""

import ast
from pathlib import Path

import pytest

from shared.core import topology
from tests.database import Sql
from tests.security import tables

# The rows of levels 1 and 2 in the chapters that the table is about.
_SECTIONS = """
    2.1:3 2.2:3 2.3:4 2.4:1
    3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
    6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
    7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
    8.1:2 8.2:3 8.3:1 8.4:1
"""
_COUNTS = dict(section.split(":") for section in _SECTIONS.split())
ROWS = [f"{section}.{number}" for section, count in _COUNTS.items() for number in range(1, int(count) + 1)]

# Who may come in without a session: everything else asks for a credential.
WAYS_IN = {
    "identity-sign-in": "address and password",
    "identity-complete-sign-in": "the second factor, after the password",
    "identity-verify-email": "a mailed link and the password",
    "identity-complete-at-issuer": "an account at another issuer",
}


@pytest.mark.parametrize("table", tables.NAMES)
def test_every_test_that_a_table_names_is_there(table: str) -> None:
    lost = {row.name: gone for row in tables.rows(table) if (gone := tables.missing(row.tests))}

    assert lost == {}


def test_every_threat_has_a_test() -> None:
    assert [row.text for row in tables.rows("stride") if not row.tests] == []


def test_every_test_of_a_threat_stands_in_the_table() -> None:
    named = {test for row in tables.rows("stride") for test in row.tests}
    written = {
        f"tests/security/{file.name}::{node.name}"
        for file in Path(__file__).parent.glob("test_*siders.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }

    assert written - named == set()


def test_every_row_of_the_standard_is_shown_or_does_not_apply() -> None:
    found = tables.rows("asvs")

    assert [row.name for row in found] == ROWS
    assert [row.name for row in found if not row.tests and "does not apply" not in row.text] == []


def test_a_test_that_is_not_there_is_missed() -> None:
    assert tables.missing(("tests/security/test_tables.py::test_that_never_was",)) != []
    assert tables.missing(("tests/nowhere/test_nothing.py::test_x",)) != []
    assert tables.missing(("tests/security/test_tables.py::test_a_test_that_is_not_there_is_missed",)) == []


def test_every_way_in_is_one_that_is_written_down() -> None:
    opens = {
        endpoint.name
        for _, api in topology.apis()
        for endpoint in api.endpoints
        if api.audience == "merchant"
        and endpoint.public is not None
        and "set_cookie" in endpoint.call.__code__.co_names
    }

    assert opens - {"identity-begin-at-issuer"} == WAYS_IN.keys()


def test_a_new_system_lets_nobody_in(sql: Sql) -> None:
    made = sql("select count(*) as n from pg_class where relname in ('users', 'sessions', 'platform_tokens')")
    migrations = Path(tables.ROOT, "migrations", "versions").glob("*.py")

    planted = [file.name for file in migrations if "insert into users" in file.read_text(encoding="utf-8").lower()]

    assert made == [{"n": 3}]
    assert planted == []


def test_secrets_come_from_the_systems_own_generator() -> None:
    offences = []
    for file in Path(tables.ROOT, "shared").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if "random" in names and file.name != "http.py":  # which draws how long a retry waits
                offences.append(file.name)

    assert offences == []
