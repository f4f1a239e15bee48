"""The process that runs the tests of mutations, in a copy of the project: a child each, of a process that is warm.

What is warm is the libraries, which no mutation touches, and a migrated database. The project's own modules are loaded
by each child anew. Reads one JSON object a line, writes one a line.
"""

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from typing import IO, Any

import pytest

LONGEST_SECONDS = 120  # some guards end a wait, and without them a test waits for ever
_LOOKS_EACH_SECONDS = 0.02
_WARM = (
    *("alembic.command", "anyio.pytest_plugin", "aws_lambda_powertools", "aws_lambda_powertools.metrics", "boto3"),
    *("cryptography.hazmat.primitives.ciphers.aead", "fastapi", "hypothesis.stateful", "jsonschema", "mangum"),
    *("moto", "pg8000.dbapi", "phonenumbers", "psutil", "pytest_randomly", "pytest_socket", "pytest_timeout"),
    *("sqlalchemy.dialects.postgresql.pg8000", "sqlalchemy.orm", "time_machine", "xdist.plugin"),
)
_TEMPLATE = "stormcom_mutations_template"


class OneTemplate:
    """A pytest plugin: all runs on this server copy one migrated template, which none of them drops."""

    def pytest_sessionstart(self) -> None:
        """Take the place of the server that `tests.database` would choose."""
        from tests import database  # noqa: PLC0415 -- pytest must load it first, to rewrite its assertions

        class Server(database.Server):
            @property
            def template(self) -> str:
                """The migrated database that others are copied from."""
                return _TEMPLATE

        database._server = Server(os.environ["STORMCOM_TEST_DATABASE_URL"], run=str(os.getpid()))
        database._server.prepare()


def main() -> None:
    """Serve until the input ends."""
    sys.dont_write_bytecode = False  # what pytest has rewritten is kept, in the copy
    for module in _WARM:
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        code, told = _tried(asked["tests"], own_template=asked["own_template"])
        print(json.dumps({"code": code, "told": told}), flush=True)


def _tried(tests: list[str], *, own_template: bool) -> tuple[int | None, str]:
    """Run tests in a child; return how it ended, None for one that did not, and the end of what it printed."""
    with tempfile.TemporaryFile("w+") as printed:
        child = os.fork()
        if child == 0:
            _run(tests, printed, plugins=[] if own_template else [OneTemplate()])
        code = _code_of(child)
        printed.seek(0)
        return code, printed.read()[-4000:]


def _run(tests: list[str], printed: IO[str], *, plugins: list[Any]) -> None:
    os.setsid()
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    options = ["-p", "no:cacheprovider", "--randomly-seed=1", "--exitfirst", "--quiet", "--tb=short"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    code = 1
    try:
        code = int(pytest.main([*options, *tests], plugins=plugins))
    finally:
        sys.stdout.flush()
        os._exit(code)


def _code_of(child: int) -> int | None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOKS_EACH_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    main()
