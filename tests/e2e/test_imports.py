"""Files on the running system, as a merchant's program handles them: open, send, start, watch, fetch an export."""

import http.client
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.imports.files import product, written
from tests.local import running
from tests.local.running import Process

_BORDER = "file-of-products"
_OVER = {"succeeded", "failed", "canceled"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run a system."""
    with running.running(tmp_path_factory.mktemp("local") / "state") as process:
        yield process


def test_a_file_becomes_products_and_products_become_a_file(system: Process, tmp_path: Path) -> None:
    token = system.dev["stores"][0]["secret_token"]
    file = written([product(f"imported-{number}") for number in range(3)] + [product("bad", Variant_Price="?")])

    status, opened = system.ask("POST", "/api/v1/imports", body={"format": "shopify_csv"}, token=token)
    assert status == 201, opened
    sent = send(opened["upload"]["url"], opened["upload"]["fields"], file)
    _, started = system.ask("POST", f"/api/v1/imports/{opened['job']['id']}/start", token=token)
    imported = over(system, opened["job"]["id"], token)

    assert sent in {200, 201, 204}
    assert started["status"] in {"queued", "running", *_OVER}
    assert (imported["status"], imported["failure"]) == ("succeeded", None)
    assert (imported["counts"]["created"], imported["counts"]["failed"]) == (3, 1)
    _, found = system.ask("GET", f"/api/v1/jobs/{imported['id']}/findings", token=token)
    assert [(one["line"], one["code"]) for one in found["data"]] == [(5, "no_number")]

    _, asked = system.ask("POST", "/api/v1/exports", body={"format": "shopify_csv"}, token=token)
    exported = over(system, asked["id"], token)
    address = urlsplit(exported["download_url"])
    _, content = system.ask("GET", f"{address.path}?{address.query}")

    (tmp_path / "export.csv").write_text(content)
    assert content.startswith("Handle,Title,")
    assert content.count("\nimported-") == 3


def send(url: str, fields: Mapping[str, str], file: bytes) -> int:
    """Send a form with a file, as a browser does; return the status."""
    parts = [
        f'--{_BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    ]
    head = f'--{_BORDER}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    head += "Content-Type: text/csv\r\n\r\n"
    body = "".join(parts).encode() + head.encode() + file + f"\r\n--{_BORDER}--\r\n".encode()
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=30)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BORDER}"}
        connection.request("POST", f"{address.path}?{address.query}" if address.query else address.path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def over(system: Process, job_id: str, token: str) -> dict[str, Any]:
    """Return a job once it is over; the test's time-out ends the waiting."""
    looks = iter(lambda: system.ask("GET", f"/api/v1/jobs/{job_id}", token=token)[1], None)
    return next(job for job in looks if job["status"] in _OVER)
