"""The walls between stores, as a part of the proof: every route, table, message and text, from the wrong side."""

from tests.proof import whole
from tests.proof.report import Figures

# What is counted, by the line of the figures: as the tests call it, and as people read it.
_NAMES = {
    "walls between stores": {
        "routes": "routes",
        "id positions": "id positions",
        "requests": "requests of strangers and insiders",
    },
    "walls between tables": {
        "tables": "tables",
        "look_ups": "look-ups past the policies",
        "calls_of_look_ups": "calls of these",
    },
    "walls between jobs": {"messages": "messages", "crossed_messages": "messages with another's ids"},
    "canaries": {
        "rows": "rows",
        "log_lines": "log lines",
        "lines_of_files": "lines of files",
        "lines_of_exports": "lines of exports looked through for canaries",
    },
    "statements on stores' tables": {"in_all": "statements on stores' tables", "unbound": "unbound"},
}


def run(seed: int) -> Figures:
    """Run all tests of the walls; `make test` runs the same ones."""
    ended = whole.run_tests("tests/tenancy", seed=seed)
    found = {
        name: count
        for line, names in _NAMES.items()
        for told, name in names.items()
        for count in [ended.counts.get(line, {}).get(told, 0)]
    }
    notes = [] if ended.passed else ["See above what failed."]
    notes += [f"{name}: nothing was looked at." for name, count in found.items() if not count and name != "unbound"]
    return Figures("tenants", found, ok=not notes, notes=notes)
