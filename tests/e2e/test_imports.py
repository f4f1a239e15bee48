"""Files on the running system, as a merchant's program handles them: open, send, start, watch, fetch an export."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.imports.files import product, written
from tests.imports.uploads import send
from tests.local import running
from tests.local.running import Process

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


def over(system: Process, job_id: str, token: str) -> dict[str, Any]:
    """Return a job once it is over; the test's time-out ends the waiting."""
    looks = iter(lambda: system.ask("GET", f"/api/v1/jobs/{job_id}", token=token)[1], None)
    return next(job for job in looks if job["status"] in _OVER)
