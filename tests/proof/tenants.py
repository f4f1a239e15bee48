"""The walls between stores, as a part of the proof: every route, table, message and text, from the wrong side."""

from tests.proof import whole
from tests.proof.report import Figures


def run(seed: int) -> Figures:
    """Run all tests of the walls; `make test` runs the same ones."""
    ended = whole.run_tests("tests/tenancy", seed=seed)
    routes, tables = ended.counts.get("walls between stores", {}), ended.counts.get("walls between tables", {})
    statements = ended.counts.get("statements on stores' tables", {})
    facts = {
        "routes": routes.get("routes", 0),
        "id positions": routes.get("id positions", 0),
        "requests of strangers and insiders": routes.get("requests", 0),
        "tables": tables.get("tables", 0),
        "statements on stores' tables": statements.get("in_all", 0),
        "unbound": statements.get("unbound", 0),
    }
    return Figures("tenants", facts, ok=ended.passed, notes=[] if ended.passed else ["See above what failed."])
