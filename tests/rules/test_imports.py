"""Declarations are inert: importing a function needs no environment, network, database or AWS client."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import imports
from tests.rules.sources import ROOT

PROBE = Path(__file__).with_name("import_probe.py")
INSTEAD = "Do it inside the function that needs it; a declaration only says."


def imported_with_nothing(root: Path, *packages: str) -> dict[str, str]:
    """Import every module of `packages` in a process of its own, and return what offends."""
    probe = subprocess.run(
        [sys.executable, PROBE, root, *packages], env={}, cwd="/", capture_output=True, text=True, check=False
    )
    assert probe.returncode == 0, probe.stderr
    offences: dict[str, str] = json.loads(probe.stdout)
    return offences


def test_every_function_can_be_imported_with_an_empty_environment() -> None:
    offences = imported_with_nothing(ROOT, "functions", "shared")

    assert offences == {}, INSTEAD


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("import os; TABLE = os.environ['TABLE_NAME']", "KeyError"),
        ("import socket; socket.create_connection(('127.0.0.1', 5432))", "Reached"),
        ("import socket; socket.socket()", "Reached"),
        ("import boto3", "imports boto3"),
        ("import aws_xray_sdk.core", "imports aws_xray_sdk"),
        ("from sqlalchemy import create_engine; create_engine('postgresql+pg8000://127.0.0.1/x')", "Reached"),
    ],
)
def test_a_function_that_does_something_when_imported_is_found(tmp_path: Path, line: str, found: str) -> None:
    domain = tmp_path / "functions" / "orders"
    domain.mkdir(parents=True)
    (tmp_path / "functions" / "__init__.py").write_text("")
    (domain / "__init__.py").write_text("")
    (domain / "api.py").write_text("PREFIX = '/api/v1/orders'\n")
    (domain / "expire.py").write_text(f"{line}\n")

    offences = imported_with_nothing(tmp_path, "functions")

    assert list(offences) == ["functions.orders.expire"]
    assert found in offences["functions.orders.expire"]


def test_each_function_alone_knows_every_table_that_its_rows_are_related_to() -> None:
    broken = imports.failures(
        imports.functions(), then="from sqlalchemy.orm import configure_mappers; configure_mappers()"
    )

    assert broken == {}, "a function of its own Lambda lacks a module with models that others of its models name"


def test_a_function_that_lacks_a_table_is_found(tmp_path: Path) -> None:
    (tmp_path / "planted.py").write_text(
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship\n"
        "class Base(DeclarativeBase): pass\n"
        "class Line(Base):\n"
        "    __tablename__ = 'lines'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    order = relationship('Order')\n"
    )
    then = "from sqlalchemy.orm import configure_mappers; configure_mappers()"

    broken = imports.failures(["planted", "functions.orders.api"], then=then, beside=tmp_path)

    assert list(broken) == ["planted"]
    assert "Order" in broken["planted"]
