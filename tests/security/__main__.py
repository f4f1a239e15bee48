"""`python -m tests.security stride` or `asvs`: run every test that the table names."""

import argparse
import sys

import pytest

from tests.security import tables


def main() -> int:
    """Run the tests of the tables that the command line names, or of both."""
    parser = argparse.ArgumentParser(prog="python -m tests.security", description=__doc__)
    parser.add_argument("tables", nargs="*", choices=[*tables.NAMES, []], help=", ".join(tables.NAMES))
    chosen = parser.parse_args().tables or list(tables.NAMES)
    tests = dict.fromkeys(test for table in chosen for row in tables.rows(table) for test in row.tests)
    return int(pytest.main(["--quiet", "--numprocesses=0", *tests]))


if __name__ == "__main__":
    sys.exit(main())
