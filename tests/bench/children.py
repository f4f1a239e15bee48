"""Processes that a measurement starts: they tell one line when they are ready, and end when their input ends.

So none outlives the bench, however that ends: its end of the pipe goes with it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from tests.bench.imports import ROOT

_PATIENCE = 20  # seconds for an orderly end


@contextmanager
def child(module: str, **told: object) -> Iterator["Child"]:
    """Run a module of the bench, told these facts; return when it is ready, end it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", json.dumps(told)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Child(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Child:
    """A running module of the bench."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Hold on to its ends."""
        self.pid = process.pid
        self.port = 0  # where it listens, if it does and told so
        self._process = process

    def hear(self) -> Any:
        """Wait for its next line, and return what it tells."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            message = f"{self._process.args!r} ended before it was done."
            raise RuntimeError(message)
        return json.loads(line)

    def go(self) -> None:
        """Tell it to begin."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()


def told() -> Any:
    """Return, in a child, the facts that it was given."""
    return json.loads(sys.argv[1])


def own_voice() -> TextIO:
    """Return, in a child, the way to its parent, and send whatever else is printed (log lines) nowhere.

    They are still composed and written, as they are in Lambda.
    """
    voice = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return voice
