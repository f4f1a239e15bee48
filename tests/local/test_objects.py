"""Uploads and pictures on the running system: by the form, through the worker, at an address that outlives kill -9."""

import signal
from pathlib import Path
from typing import Any

import httpx2

from tests.local import running
from tests.local.running import Process
from tests.media import corpus


def test_a_picture_goes_from_a_form_to_an_address_and_survives_kill_9(tmp_path: Path) -> None:
    content = corpus.encoded(corpus.photo(), "JPEG")
    with running.running(tmp_path / "state") as first, httpx2.Client(trust_env=False) as browser:
        token, port = first.dev["stores"][0]["secret_token"], first.port
        new = {"file_name": "mug.jpg", "media_type": "image/jpeg", "size_bytes": len(content)}
        begun = first.ask("POST", "/api/v1/media", body=new, token=token)[1]
        form, path = begun["upload"], f"/api/v1/media/{begun['media']['id']}"
        sent = browser.post(form["url"], data=form["fields"], files={"file": ("mug.jpg", content)})
        first.ask("POST", f"{path}/uploaded", token=token)
        picture = _ready(first, path, token)["picture"]
        shown = browser.get(picture["url"])
        first.end(signal.SIGKILL)

    with running.running(tmp_path / "state", port=port), httpx2.Client(trust_env=False) as browser:
        again = browser.get(picture["url"])

    assert sent.status_code == 204
    assert (picture["width"], picture["height"]) == (360, 270)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert "immutable" in shown.headers["cache-control"]
    assert again.content == shown.content


def _ready(system: Process, path: str, token: str) -> dict[str, Any]:
    """Look until the picture is ready; the test's time-out ends this."""
    looks = iter(lambda: system.ask("GET", path, token=token)[1], None)
    found: dict[str, Any] = next(look for look in looks if look["status"] not in ("queued", "processing"))
    assert found["status"] == "ready", found
    return found
