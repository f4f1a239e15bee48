"""A Lambda environment on this machine: the unpacked asset under AWS's own runtime client, and a stand-in of its API.

AWS's client (`awslambdaric`) is the process that in Lambda imports a handler, fetches events and returns answers. It is
told everything by the Runtime API: a blocking GET for the next event, a POST for its answer or error. That API is here.

The process sees what Lambda's would: our code as its working folder, the layer, AWS's client, and the standard library;
no PYTHONPATH, no site-packages of this checkout, and no variable that the test did not give or Lambda does not set. Its
bytecode is the shipped one: nothing is written.

What it can't show: Lambda's Linux and processor, its limits of time and memory, IAM, the network.
"""

import json
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra import assets

_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")  # what Lambda has in /var/runtime, boto3 apart
ISOLATED = (sys.executable, "-B", "-E", "-P", "-S", "-s")  # no PYTHON* variables, no site-packages, no working folder
_API = "/2018-06-01/runtime"
# As Lambda does: the task, the layer, its own. Then the client, as `python -m awslambdaric HANDLER` would run it.
_START = (
    "import runpy, sys; sys.path[:0] = sys.argv[1:4]; del sys.argv[1:4]; "
    "runpy.run_module('awslambdaric', run_name='__main__', alter_sys=True)"
)
_SET_BY_LAMBDA = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_LAMBDA_FUNCTION_NAME": "stormcom-test",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
}


class FunctionError(RuntimeError):
    """The handler raised, or could not be imported; `kind` is the exception's name."""

    def __init__(self, kind: str, message: str) -> None:
        """Say what the runtime client reported."""
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class EnvironmentDied(RuntimeError):
    """The process ended, or did not answer in time; the message holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """What Lambda lays out: our code, the layer's packages, and AWS's own files."""

    task: Path
    packages: Path
    runtime: Path

    @classmethod
    def in_folder(cls, folder: Path) -> "Unpacked":
        """Name the places below a folder that has what Lambda has under /var/task, /opt and /var/runtime."""
        return cls(task=folder / "task", packages=folder / "opt" / "python", runtime=folder / "runtime")


def unpack(code: assets.Asset, layer: assets.Asset, folder: Path) -> None:
    """Lay a built asset and layer out in a folder, as Lambda does."""
    laid_out = Unpacked.in_folder(folder)
    assets.unpack(code, laid_out.task)
    assets.unpack(layer, laid_out.packages.parent)
    for name in _CLIENT:
        for file in metadata.files(name) or ():
            if ".." not in file.parts and file.suffix != ".pyc":
                place = laid_out.runtime / file
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), place)


@dataclass
class _Invocations:
    """What the stand-in's API and the test hand to each other."""

    waiting: queue.Queue[tuple[str, bytes] | None] = field(default_factory=queue.Queue)
    answers: queue.Queue[tuple[str, str, bytes]] = field(default_factory=queue.Queue)  # id, kind, body


class _RuntimeAPI(BaseHTTPRequestHandler):
    """The Runtime API of AWS, as its documentation describes it."""

    protocol_version = "HTTP/1.1"
    invocations: _Invocations
    deadline_seconds: float

    def do_GET(self) -> None:
        if self.path != f"{_API}/invocation/next":
            self._answer(404, b"{}")
            return
        found = self.invocations.waiting.get()
        if found is None:
            self.close_connection = True
            return
        request_id, event = found
        self._answer(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.deadline_seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:stormcom-test",
                "Lambda-Runtime-Trace-Id": "Root=1-65a4c0de-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = self.path.removeprefix(_API).strip("/").split("/")
        if parts == ["init", "error"]:
            self.invocations.answers.put(("", "error", body))
        elif len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error"):
            self.invocations.answers.put((parts[1], parts[2], body))
        else:
            self._answer(404, b"{}")
            return
        self._answer(202, b'{"status":"OK"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's own signature
        """Say nothing: the test's output is not the place."""

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: the client's connection breaks when its process is ended, as it should."""


class Environment:
    """One environment: a process of the runtime client that serves one handler, one event at a time."""

    def __init__(
        self, unpacked: Unpacked, handler: str, environment: Mapping[str, str] | None = None, *, patience: float = 30
    ) -> None:
        """Start the process; the handler is imported while the first event waits. `patience`: seconds for an answer."""
        self._invocations = _Invocations()
        self._patience = patience
        api = type("API", (_RuntimeAPI,), {"invocations": self._invocations, "deadline_seconds": patience})
        self._server = _Server(("127.0.0.1", 0), api)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._log_path = unpacked.task.parent / f"{uuid4().hex}.log"
        with self._log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *ISOLATED,
                    "-c",
                    _START,
                    str(unpacked.task),
                    str(unpacked.packages),
                    str(unpacked.runtime),
                    handler,
                ],
                cwd=unpacked.task,
                env={
                    **_SET_BY_LAMBDA,
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                    "LAMBDA_RUNTIME_DIR": str(unpacked.runtime),
                    "LAMBDA_TASK_ROOT": str(unpacked.task),
                    "_HANDLER": handler,
                    **(environment or {}),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Hand an event to the handler and return its answer.

        Raises:
            FunctionError: the handler raised, or could not be imported.
            EnvironmentDied: there was no answer.
        """
        request_id = str(uuid4())
        self._invocations.waiting.put((request_id, json.dumps(event).encode()))
        answered, kind, body = self._wait()
        told: Any = json.loads(body) if body else {}
        if kind == "error":
            raise FunctionError(told.get("errorType", "?"), told.get("errorMessage", ""))
        if answered != request_id:
            message = f"The answer is to {answered}, and the event was {request_id}."
            raise EnvironmentDied(message)
        return told

    def log(self) -> str:
        """Return what the function has written: its log lines and metrics."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        """End the process and the API."""
        self._process.kill()
        self._process.wait()
        self._invocations.waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def _wait(self) -> tuple[str, str, bytes]:
        end = time.monotonic() + self._patience
        while time.monotonic() < end:
            try:
                return self._invocations.answers.get(timeout=0.2)
            except queue.Empty:
                if self._process.poll() is not None and self._invocations.answers.empty():
                    break
        message = f"No answer; exit status {self._process.poll()}. Its log ends:\n{self.log()[-4000:]}"
        raise EnvironmentDied(message)


@contextmanager
def running(
    unpacked: Unpacked, handler: str, environment: Mapping[str, str] | None = None, *, patience: float = 30
) -> Iterator[Environment]:
    """Keep an environment of a handler running for a block."""
    environment_of_handler = Environment(unpacked, handler, environment, patience=patience)
    try:
        yield environment_of_handler
    finally:
        environment_of_handler.close()
