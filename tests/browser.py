"""A real Chromium for tests of pages: the fixture `page`. A pytest plugin; `tests/conftest.py` names it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root in a container, where Chromium's own sandbox can't be made
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PATIENCE = 10_000  # milliseconds until a page that does not come fails its test


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """Open an empty tab of a Chromium with a new profile.

    A script error on a page, or a request that leaves the machine, fails the test. One browser a test: while Playwright
    runs, the main thread has a running event loop, which must not outlast the test.
    """
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path / "profile",
            executable_path=_chromium(),
            args=list(_FLAGS),
            viewport={"width": 1280, "height": 800},
        )
        context.set_default_timeout(_PATIENCE)
        tab = context.pages[0]
        broken: list[str] = []
        tab.on("pageerror", lambda error: broken.append(f"a script failed: {error}"))
        tab.on("request", lambda request: broken.extend(_foreign(request.url)))
        yield tab
        context.close()
    assert broken == []


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail("Chromium is missing: `apt-get install -y chromium`, or name one in CHROMIUM.", pytrace=False)
    return found


def _foreign(url: str) -> list[str]:
    local = ("http://127.0.0.1:", "http://localhost:", "data:", "about:", "blob:")
    return [] if url.startswith(local) else [f"a page asked for {url}"]
