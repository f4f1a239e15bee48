"""What people see: a line a request, a job, a message; and where the functions' own output goes."""

import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.local.gateway import Served
from infra.local.runs import Run
from infra.local.terminal import Divert, Terminal

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Screen(io.StringIO):
    """A terminal's screen, whose lines come without the time that they begin with."""

    def lines(self) -> list[str]:
        """Return what is to be read, with one space where there are more."""
        told = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in self.getvalue().splitlines()]
        return [re.sub(r" +", " ", line) for line in told]


def test_a_request_is_one_line_with_the_store_it_was_for() -> None:
    screen = Screen()
    terminal = Terminal(screen)
    terminal.know_stores({"sk_1": "demo", "pk_1": "demo"})

    terminal.request(Served("GET", "/api/v1/orders", 200, 12.4, {"authorization": "Bearer sk_1"}))
    terminal.request(Served("POST", "/api/v1/storefront/carts", 409, 8, {"x-publishable-key": "pk_1"}))
    terminal.request(Served("GET", "/x", 404, 1, {}))

    assert screen.lines() == [
        "GET /api/v1/orders 200 12 ms demo",
        "POST /api/v1/storefront/carts 409 8 ms demo",
        "GET /x 404 1 ms",
    ]


def test_a_credential_is_never_shown() -> None:
    screen = Screen()

    Terminal(screen).request(Served("GET", "/", 200, 1, {"authorization": "Bearer sk_unknown"}))

    assert "sk_unknown" not in screen.getvalue()


def test_what_a_stranger_sends_can_not_move_the_cursor() -> None:
    screen = Screen()
    terminal = Terminal(screen)

    terminal.request(Served("GET", "/\x1b[2J\r\nfake", 404, 1, {}))
    terminal.message("email", "a\x1b[31m@example.com", "two\nlines")

    assert "\x1b" not in screen.getvalue()
    assert len(screen.lines()) == 2


@pytest.mark.parametrize(("colours", "escaped"), [(True, True), (False, False), (None, False)])
def test_colours_are_for_terminals(colours: bool | None, escaped: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    screen = Screen()

    Terminal(screen, colours=colours).request(Served("GET", "/", 200, 1, {}))

    assert ("\x1b[32m" in screen.getvalue()) is escaped


def test_a_job_is_one_line_and_a_failed_one_shows_its_error() -> None:
    screen = Screen()
    terminal = Terminal(screen)

    terminal.job(Run("consumer", "core-relay", NOON, "2 messages", 3.0))
    terminal.job(Run("schedule", "inventory-sweep", NOON, "rate(1 minute)", 3.0))
    terminal.job(Run("schedule", "inventory-sweep", NOON, "rate(1 minute)", 3.0, "failed", "RuntimeError: no\n"))

    assert screen.lines() == [
        "job core-relay (2 messages) done 3 ms",
        "job inventory-sweep (rate(1 minute)) failed 3 ms",
        "RuntimeError: no",
    ]


def test_structured_lines_go_to_the_log_and_prints_to_the_terminal(tmp_path: Path) -> None:
    screen = Screen()
    output = Divert(tmp_path / "log.jsonl", Terminal(screen))
    line = json.dumps({"level": "INFO", "message": "orders-place-order done"})

    print(line, file=output)
    print("a developer looks", "here", file=output)
    print("{not json", file=output)
    output.close()

    assert (tmp_path / "log.jsonl").read_text() == line + "\n"
    assert screen.lines() == ["a developer looks here", "{not json"]


def test_a_logged_error_is_shown_on_the_terminal_too(tmp_path: Path) -> None:
    screen = Screen()
    output = Divert(tmp_path / "log.jsonl", Terminal(screen))
    line = json.dumps({"level": "ERROR", "message": "it broke", "exception": "Traceback ...\nValueError: 7"})

    output.write(line + "\n")
    output.close()

    assert screen.lines() == ["ERROR it broke", "Traceback ...", "ValueError: 7"]
    assert json.loads((tmp_path / "log.jsonl").read_text())["message"] == "it broke"
