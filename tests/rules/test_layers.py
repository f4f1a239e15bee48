"""Imports run one way: infra, functions, the domains in their order, core.

import-linter holds it, by the contracts in pyproject.toml; each contract is tried on a planted house.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.sources import ROOT

ONE_WAY = "Imports run one way: infra, functions, shared"
ORDER = "Domains stand in one order, and all on core"
LOW = "Prices and payments rest on stores alone, carts send no messages"
APART = "No domain's functions import another domain's"
TOPOLOGY = "The cloud and the local system know functions by the topology alone, and no domain"
MIGRATIONS = "Migrations import no application: they must still run when it has changed"

HOUSE = (
    "functions/orders/api.py",
    "functions/carts/api.py",
    "infra/app.py",
    "migrations/handler.py",
    "migrations/tenancy.py",
    "shared/core/credentials.py",
    "shared/core/database.py",
    "shared/stores/opening.py",
    "shared/catalog/products.py",
    "shared/messaging/channels.py",
    "shared/pricing/cart.py",
    "shared/carts/filling.py",
    "shared/payments/attempts.py",
    "shared/orders/placement.py",
    "shared/checkout/completion.py",
)


def lint(root: Path) -> tuple[int, str]:
    """Return import-linter's verdict on the packages below `root`, by this project's contracts."""
    linter = Path(sys.executable).with_name("lint-imports")
    ran = subprocess.run(
        [linter, "--no-logo", "--no-cache", "--config", ROOT / "pyproject.toml"],
        cwd=root,
        env={"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Build a house of empty rooms, in which every import is as it should be."""
    for name in HOUSE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for folder in path.relative_to(tmp_path).parents[:-1]:
            (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "migrations/handler.py").write_text("from shared.core import credentials, database\n")
    (tmp_path / "shared/checkout/completion.py").write_text("from shared.orders import placement\n")
    (tmp_path / "shared/orders/placement.py").write_text("from shared.core import database\n")
    (tmp_path / "infra/app.py").write_text("from shared.core import database\n")
    return tmp_path


def test_the_imports_of_the_house_run_one_way() -> None:
    status, told = lint(ROOT)

    assert status == 0, told


def test_a_house_whose_imports_run_one_way_is_left_alone(house: Path) -> None:
    status, told = lint(house)

    assert status == 0, told


@pytest.mark.parametrize(
    ("where", "line", "contract"),
    [
        ("shared/core/database.py", "from shared.orders import placement", ORDER),
        ("shared/orders/placement.py", "from shared.payments import attempts", ORDER),
        ("shared/payments/attempts.py", "from shared.orders import placement", ORDER),
        ("shared/stores/opening.py", "from shared.catalog import products", ORDER),
        ("shared/payments/attempts.py", "from shared.catalog import products", LOW),
        ("shared/carts/filling.py", "from shared.messaging import channels", LOW),
        ("shared/orders/placement.py", "from functions.orders import api", ONE_WAY),
        ("functions/orders/api.py", "from infra import app", ONE_WAY),
        ("functions/orders/api.py", "from functions.carts import api", APART),
        ("infra/app.py", "from shared.orders import placement", TOPOLOGY),
        ("infra/app.py", "from functions.orders import api", TOPOLOGY),
        ("migrations/tenancy.py", "from shared.core import database", MIGRATIONS),
    ],
)
def test_an_import_against_the_stream_is_found(house: Path, where: str, line: str, contract: str) -> None:
    (house / where).write_text(f"{line}\n")

    status, told = lint(house)

    assert status == 1
    assert f"{contract} BROKEN" in told


def test_a_domain_without_a_place_in_the_order_is_found(house: Path) -> None:
    (house / "shared/gossip").mkdir()
    (house / "shared/gossip/__init__.py").touch()

    status, told = lint(house)

    assert status == 1
    assert "gossip" in told
