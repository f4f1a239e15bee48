"""The local system as its users start it: a process of its own, known by dev.json and by what it answers over HTTP."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

REPOSITORY = Path(__file__).parents[2]
_PATIENCE = 60.0  # seconds for a start, on a machine that is busy with other tests
_PAUSE = 0.05  # seconds between two looks for dev.json


@dataclass
class Process:
    """One start of the system, on the folder `state`."""

    process: subprocess.Popen[bytes]
    state: Path
    screen: Path  # what it wrote for people

    @property
    def dev(self) -> dict[str, Any]:
        """Return dev.json."""
        told: dict[str, Any] = json.loads((self.state / "dev.json").read_text())
        return told

    @property
    def port(self) -> int:
        """Return the port that it listens on."""
        return urlsplit(self.dev["base_url"]).port or 80

    def wait_until_ready(self) -> None:
        """Return once dev.json is this process's; fail when the process ends before."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if (self.state / "dev.json").exists() and self.dev["pid"] == self.process.pid:
                return
            time.sleep(_PAUSE)
        message = f"It did not get ready:\n{self.screen.read_text()}"
        raise AssertionError(message)

    def ask(self, method: str, path: str, *, body: object = None, token: str | None = None) -> tuple[int, Any]:
        """Send a request; return the status and the answer, read where it is JSON."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if "json" in answer.headers["content-type"] else content.decode()
        finally:
            connection.close()

    def end(self, how: signal.Signals) -> int:
        """Send a signal, wait until the process has ended, and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(_PATIENCE)

    def relatives(self) -> list[psutil.Process]:
        """Return the processes that it started."""
        return psutil.Process(self.process.pid).children(recursive=True)


def launch(state: Path, *, port: int = 0, **environment: str) -> Process:
    """Start the system on `state`; port 0 is any free one. Does not wait."""
    screen = state.parent / f"{state.name}.screen"
    variables = {**_surroundings(), "PORT": str(port), "STORMCOM_STATE": str(state), **environment}
    with screen.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"], cwd=REPOSITORY, env=variables, stdout=output, stderr=output
        )
    return Process(process, state, screen)


@contextmanager
def running(state: Path, *, port: int = 0, **environment: str) -> Iterator[Process]:
    """Start the system, wait until it is ready, and end it, whatever happened."""
    started = launch(state, port=port, **environment)
    try:
        started.wait_until_ready()
        yield started
    finally:
        if started.process.poll() is None:
            started.end(signal.SIGTERM)


def run_to_its_end(module: str, state: Path, *, port: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a module of the system that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=REPOSITORY,
        env={**_surroundings(), "PORT": str(port), "STORMCOM_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


def _surroundings() -> dict[str, str]:
    """Return the environment of a user's terminal: ours, without what sets this process up as a function."""
    ours = ("STORMCOM_", "POWERTOOLS_", "AWS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
