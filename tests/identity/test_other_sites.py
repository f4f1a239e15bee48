"""What another site's page has a browser send: refused where a cookie would speak, and nothing changes."""

import pytest

from tests.client import Answer
from tests.database import Sql
from tests.identity.people import PASSWORD, Browser, a_browser, a_person

pytestmark = pytest.mark.usefixtures("watch")

# Each is a request that changes something of the person, by their cookie.
_CHANGES: tuple[tuple[str, str, dict[str, str] | None], ...] = (
    ("DELETE", "/session", None),
    ("DELETE", "/sessions", None),
    ("PUT", "/session/place", {}),
    ("POST", "/session/step-up", {"password": PASSWORD}),
    ("PUT", "/password", {"current_password": PASSWORD, "new_password": "seven red lanterns"}),
)


def _send(browser: Browser, change: tuple[str, str, dict[str, str] | None], **headers: str) -> Answer:
    method, path, body = change
    return browser.request(method, path, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize("change", _CHANGES, ids=lambda change: f"{change[0]} {change[1]}")
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_browser_that_says_it_comes_from_elsewhere_changes_nothing(
    change: tuple[str, str, dict[str, str] | None], site: str, sql: Sql
) -> None:
    person = a_person()
    browser, other = person.signed_in(), person.signed_in()
    before = sql("select s::text as row from sessions s where user_id = %s order by id", person.id)

    refused = _send(browser, change, Sec_Fetch_Site=site)

    assert (refused.status_code, refused.json()["code"], refused.cookies) == (403, "cross_site_request", ())
    assert sql("select s::text as row from sessions s where user_id = %s order by id", person.id) == before
    assert [one.get("/session").status_code for one in (browser, other)] == [200, 200]


@pytest.mark.parametrize("change", _CHANGES, ids=lambda change: f"{change[0]} {change[1]}")
def test_an_older_browser_is_judged_by_the_page_that_it_names(
    change: tuple[str, str, dict[str, str] | None],
) -> None:
    browser = a_person().signed_in()

    refused = [
        _send(browser, change, Origin=origin, Host="shop.test")
        for origin in ("https://evil.test", "https://shop.test.evil.test", "https://evil.test/shop.test", "null")
    ]
    taken = _send(browser, change, Origin="https://shop.test", Host="shop.test")

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(403, "cross_site_request")] * 4
    assert taken.status_code == 200


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_pages_and_what_somebody_types_themselves_are_served(site: str) -> None:
    assert _send(a_person().signed_in(), _CHANGES[1], Sec_Fetch_Site=site).status_code == 200


def test_nobody_is_signed_in_as_somebody_else_by_another_sites_page(sql: Sql) -> None:
    person, browser = a_person(), a_browser()

    refused = browser.post(
        "/session",
        json={"email": person.email, "password": PASSWORD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert (refused.status_code, refused.json()["code"], refused.cookies) == (403, "cross_site_request", ())
    assert sql("select 1 from sessions where user_id = %s", person.id) == []


def test_a_form_of_another_site_whose_text_looks_like_json_is_refused_too(sql: Sql) -> None:
    person = a_person()
    browser = person.signed_in()

    refused = browser.request(
        "PUT",
        "/password",
        body=f'{{"current_password": "{PASSWORD}", "new_password": "seven red lanterns", "x": "="}}'.encode(),
        headers={"Content-Type": "text/plain", "Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
    )

    assert (refused.status_code, refused.json()["code"]) == (403, "cross_site_request")
    assert len(sql("select 1 from password_history where user_id = %s", person.id)) == 1


def test_a_read_is_shown_to_whoever_sends_it_since_no_other_site_can_see_the_answer() -> None:
    browser = a_person().signed_in()

    read = browser.get("/session", headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"})

    assert read.status_code == 200
    assert not any(name.startswith("access-control") for name in read.headers)
