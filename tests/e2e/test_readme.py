"""The README's purchase, as written: on a laptop, by a newcomer."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.running import Process, running

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder in which the newcomer types; the system's state is below it, where `make dev` has it."""
    return tmp_path


@pytest.fixture
def system(folder: Path) -> Iterator[Process]:
    """Return the running system."""
    with running(folder / ".stormcom") as process:
        yield process


def test_the_purchase_in_the_readme_works_as_written(system: Process, folder: Path) -> None:
    bought = type_in(the_purchase(), folder)

    assert bought["order"]["number"] == "#1001"
    assert (bought["order"]["status"], bought["order"]["payment_status"]) == ("open", "pending")
    store = system.dev["stores"][0]
    status, orders = system.ask("GET", "/api/v1/orders", token=store["secret_token"])
    assert (status, [order["number"] for order in orders["data"]]) == (200, ["#1001"])


def test_the_purchases_last_line_sent_twice_makes_one_order(system: Process, folder: Path) -> None:
    last = the_purchase().rstrip().splitlines()[-1]

    bought = type_in(the_purchase() + last.replace("curl -sf", "curl -sfi") + " | tr -d '\\r' > twice.txt\n", folder)

    head, _, body = (folder / "twice.txt").read_text().partition("\n\n")
    assert json.loads(body) == bought
    assert "idempotent-replayed: true" in head.lower()
    store = system.dev["stores"][0]
    assert len(system.ask("GET", "/api/v1/orders", token=store["secret_token"])[1]["data"]) == 1


def the_purchase() -> str:
    found = re.search(r"<!-- tests/e2e/test_readme.py[^\n]*\n```sh\n(.*?)```", README.read_text(), re.DOTALL)
    assert found, "the README has lost its purchase"
    return found[1]


def type_in(lines: str, folder: Path) -> dict[str, Any]:
    typed = subprocess.run(["bash", "-euc", lines], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert typed.returncode == 0, typed.stderr
    answer: dict[str, Any] = json.loads(typed.stdout)
    return answer
