"""A session in a real Chromium: its cookie is kept on this machine too, no script reads it, no other site uses it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from infra.local.gateway import Gateway
from infra.local.system import Web
from shared.core import topology
from tests.database import Sql
from tests.identity.people import PASSWORD, a_person

pytestmark = pytest.mark.usefixtures("watch")

_ASK = """async ([method, path, body]) => {
    const answer = await fetch('/api/v1' + path, {
        method, body: body && JSON.stringify(body), headers: {'Content-Type': 'application/json'}
    });
    return [answer.status, await answer.json(), document.cookie, [...answer.headers.keys()]];
}"""
_FROM_ANOTHER_SITE = """async ([address, body]) => {
    await fetch(address, {
        method: 'POST', mode: 'no-cors', credentials: 'include', body, headers: {'Content-Type': 'text/plain'}
    });
}"""


@pytest.fixture
def address() -> Iterator[str]:
    """Serve the API over plain HTTP, as `make dev` does; return its address."""
    web = Web(0)
    failed: list[Any] = []
    serving = Gateway(
        topology.load().endpoints, served=lambda _: None, failed=lambda name, error: failed.append((name, error))
    )
    web.start(serving)
    yield web.base_url
    web.drain()
    serving.close()
    web.close()
    assert failed == []


def test_chromium_keeps_the_cookie_on_this_machine_and_shows_it_to_no_script(page: Page, address: str) -> None:
    person = a_person()
    page.goto(f"{address}/api/v1/openapi.json")

    status, _, seen, headers = page.evaluate(_ASK, ["POST", "/session", {"email": person.email, "password": PASSWORD}])
    known, who, seen_later, _ = page.evaluate(_ASK, ["GET", "/session", None])

    assert (status, known, who["person"]["email"]) == (200, 200, person.email)
    assert (seen, seen_later) == ("", "")
    assert "set-cookie" not in headers
    [cookie] = page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (
        "__Host-stormcom",
        True,
        True,
        "Lax",
        "/",
    )


def test_signing_out_has_chromium_forget_the_cookie(page: Page, address: str) -> None:
    person = a_person()
    page.goto(f"{address}/api/v1/openapi.json")
    page.evaluate(_ASK, ["POST", "/session", {"email": person.email, "password": PASSWORD}])

    page.evaluate(_ASK, ["DELETE", "/session", None])

    assert page.context.cookies() == []
    assert page.evaluate(_ASK, ["GET", "/session", None])[0] == 401


def test_a_page_of_another_site_does_nothing_in_the_persons_name(page: Page, address: str, sql: Sql) -> None:
    person = a_person()
    page.goto(f"{address}/api/v1/openapi.json")
    page.evaluate(_ASK, ["POST", "/session", {"email": person.email, "password": PASSWORD}])
    before = sql("select s::text as row from sessions s where user_id = %s", person.id)

    page.goto(address.replace("127.0.0.1", "localhost") + "/api/v1/openapi.json")  # to a browser, another site
    for path, body in (("/session/step-up", {"password": PASSWORD}), ("/session", {"email": person.email})):
        page.evaluate(_FROM_ANOTHER_SITE, [f"{address}/api/v1{path}", json.dumps(body)])

    assert sql("select s::text as row from sessions s where user_id = %s", person.id) == before
