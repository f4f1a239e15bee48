"""People for tests: `a_person()` has an account, and `signed_in()` gives a caller with a session of theirs."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

from shared.core import browsers, database, ids
from shared.core.principal import Principal
from shared.identity import signing_up
from tests.client import Answer, Client

PASSWORD = "four green kettles"

_numbers = count(1)


@dataclass
class Browser(Client):
    """A caller that keeps the cookie that it is given, as a browser does; each has an address of its own."""

    seen: list[str] = field(default_factory=list)  # every token that it was given

    def request(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request with the cookie, and take the one that comes back."""
        answer = super().request(method, path, **request)
        for cookie in answer.cookies:
            pair = cookie.partition(";")[0]
            self.headers["Cookie"] = pair
            self.seen.append(pair.partition("=")[2])
        return answer

    @property
    def token(self) -> str:
        """The token in the cookie."""
        return self.headers["Cookie"].partition("=")[2]


@dataclass
class Person:
    """Somebody with an account."""

    id: UUID
    email: str
    name: str
    password: str = PASSWORD

    def sign_in(self, browser: Browser | None = None, *, password: str | None = None) -> Answer:
        """Sign in, in a browser that may have a cookie already."""
        wanted = {"email": self.email, "password": password or self.password}
        return (browser or a_browser()).post("/session", json=wanted)

    def signed_in(self) -> Browser:
        """Return a browser in which the person has just signed in."""
        browser = a_browser()
        answer = self.sign_in(browser)
        assert answer.status_code == 200, answer.text
        return browser


def a_browser(token: str | None = None) -> Browser:
    """Return a browser, at an address where nobody else is."""
    number = next(_numbers)
    headers = {} if token is None else {"Cookie": f"{browsers.SESSION_COOKIE}={token}"}
    return Browser(headers, source_ip=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")


def an_address() -> str:
    """Return an e-mail address that nobody has."""
    return f"p-{ids.new_id().hex}@people.test"


def a_person(*, email: str | None = None, password: str | None = PASSWORD, locale: str = "en") -> Person:
    """Register somebody whose address is known to be theirs.

    The pytest fixture `application` must be active: ask for it, or for `watch`.
    """
    email = email or an_address()
    name = f"Person {next(_numbers)}"
    with database.transaction(principal=Principal(kind="system", id="test")) as session:
        user_id = signing_up.register_verified(session, email=email, name=name, password=password, locale=locale)
    assert user_id is not None, "somebody has this address"
    return Person(user_id, email, name, password or "")
