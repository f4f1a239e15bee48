"""What is killed at any statement of signing up, in, or setting a password happened wholly or not at all.

Tries alone are counted whatever becomes of them, in a transaction of their own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, event

from shared.core import tenancy
from shared.identity.models.people import LinkPurpose
from tests.application import Watch
from tests.client import Answer
from tests.database import Sql
from tests.identity import links
from tests.identity.letterbox import Letterbox
from tests.identity.people import PASSWORD, a_browser, a_person, an_address

pytestmark = pytest.mark.usefixtures("watch")

NEW = "seven red lanterns"

type State = dict[str, int]
type Act = Callable[[], Answer]


class Killed(BaseException):
    """The process is gone: nothing may catch it."""


@dataclass
class Prepared:
    """An act, always the same, and whose rows it is about."""

    act: Act
    email: str


def _signing_up(_sql: Sql) -> Prepared:
    email = an_address()
    wanted = {"email": email, "name": "Rahima", "password": PASSWORD}
    return Prepared(lambda: a_browser().post("/signup", json=wanted), email)


def _verifying(sql: Sql) -> Prepared:
    prepared = _signing_up(sql)
    prepared.act()
    wanted = {"token": Letterbox(sql, prepared.email).link()[1], "password": PASSWORD}
    return Prepared(lambda: a_browser().post("/signup/verification", json=wanted), prepared.email)


def _signing_in(_sql: Sql) -> Prepared:
    person = a_person()
    return Prepared(person.sign_in, person.email)


def _changing(_sql: Sql) -> Prepared:
    person = a_person()
    person.signed_in()
    browser = person.signed_in()
    wanted = {"current_password": PASSWORD, "new_password": NEW}
    return Prepared(lambda: browser.put("/password", json=wanted), person.email)


def _resetting(_sql: Sql) -> Prepared:
    person = a_person()
    person.signed_in()
    wanted = {"token": links.of(person.id, LinkPurpose.RESET_PASSWORD), "password": NEW}
    return Prepared(lambda: a_browser().post("/password-reset/confirmation", json=wanted), person.email)


@pytest.mark.parametrize("prepare", [_signing_up, _verifying, _signing_in, _changing, _resetting])
def test_what_was_killed_at_any_statement_happened_wholly_or_not_at_all(
    prepare: Callable[[Sql], Prepared], sql: Sql, watch: Watch
) -> None:
    whole = prepare(sql)
    mark = len(watch.statements)
    assert whole.act().status_code < 300
    steps, after = watch.count_since(mark), _state(sql, whole.email)

    for step in range(steps + 1):
        killed = prepare(sql)
        before = _state(sql, killed.email)
        with _killing_at(step if step < steps else None):
            assert killed.act().status_code == 500  # so Mangum says what flew past it; whoever asked got nothing
        left = _state(sql, killed.email)
        if step < steps:
            assert left == before, f"killed at statement {step} of {steps}"
            assert killed.act().status_code < 300
        assert _state(sql, killed.email) == after, f"killed at statement {step} of {steps}"

    assert steps >= 4


@contextmanager
def _killing_at(step: int | None) -> Iterator[None]:
    """Kill what is about to send its statement of this number; without one, what has committed and not answered."""
    sent = iter(range(1000))

    def count(*_: object) -> None:
        if next(sent) == step:
            raise Killed

    committed = iter(range(1000))

    def end(_session: tenancy.TenantSession) -> None:
        # The first commit is that of the try, in a transaction of its own.
        if step is None and next(committed) == 1:
            raise Killed

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(tenancy.TenantSession, "after_commit", end)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", count)
        event.remove(tenancy.TenantSession, "after_commit", end)


def _state(sql: Sql, email: str) -> State:
    owner = Letterbox(sql, email).owner
    counted = {
        "people": "select count(*) as n from users where id = %s",
        "who confirmed": "select count(*) as n from users where id = %s and email_verified_at is not null",
        "passwords": "select count(*) as n from password_history where user_id = %s",
        "living sessions": "select count(*) as n from sessions where user_id = %s and ended_at is null",
        "open links": "select count(*) as n from mailed_links where user_id = %s and used_at is null",
        "letters": "select count(*) as n from outgoing_messages where store_id = %s",
        "events": "select count(*) as n from domain_events where store_id = %s",
        "entries": "select count(*) as n from audit_entries where store_id = %s",
    }
    return {name: sql(statement, owner)[0]["n"] for name, statement in counted.items()}
