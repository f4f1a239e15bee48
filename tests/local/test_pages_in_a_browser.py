"""The pages under /dev in a real Chromium: readable on a phone, usable, and deaf to what messages want to run."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from infra.local.pages import Pages
from infra.local.system import Web
from tests.local import handlers
from tests.local.world import World, a_world

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

SCRIPT = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture
def world(tmp_path: Path, sqs: "SQSClient", inbox: handlers.Inbox) -> Iterator[World]:
    """Serve the pages over a small system."""
    assert inbox.firings == []
    web = Web(0)
    made = a_world(tmp_path / "outgoing", sqs)
    web.start(Pages(made.system))
    made.base_url = web.base_url
    yield made
    web.drain()
    web.close()


def test_a_hostile_message_is_read_and_nothing_of_it_runs(page: Page, world: World) -> None:
    world.leave("m1", subject=f"Order {SCRIPT}", text=SCRIPT, html=f"<h1>Thank you</h1>{SCRIPT}")

    page.goto(f"{world.base_url}/dev/messages")
    page.get_by_role("link", name="Order").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {SCRIPT}")
    expect(page.frame_locator("iframe").get_by_role("heading")).to_have_text("Thank you")
    expect(page).to_have_title(f"Order {SCRIPT} · StormCom /dev")


def test_a_dead_letter_is_sent_back_and_another_deleted_with_two_clicks(page: Page, world: World) -> None:
    world.kill("first"), world.kill("second")

    page.goto(f"{world.base_url}/dev/queues")
    page.get_by_role("link", name="parcels").click()
    page.locator("section", has_text="first").get_by_role("button", name="Send back to work").click()
    page.locator("section", has_text="second").get_by_role("button", name="Delete").click()

    expect(page.get_by_text("There are none.")).to_be_visible()
    depth = next(depth for depth in world.system.queues.depths() if depth.queue == "parcels")
    assert (depth.waiting, depth.dead) == (1, 0)


def test_a_schedule_is_asked_to_run_with_one_click(page: Page, world: World) -> None:
    page.goto(f"{world.base_url}/dev/jobs")
    page.get_by_role("button", name="Run now").click()

    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
    assert world.system.scheduler.fire_due() == 1


def test_each_page_fits_a_phone(page: Page, world: World) -> None:
    world.leave("m1", subject="A" * 200, text="B" * 400, html="<p>hi</p>")
    world.kill('{"long": "' + "C" * 300 + '"}')
    page.set_viewport_size({"width": 360, "height": 740})
    paths = ["", "/messages", "/messages/m1", "/jobs", "/queues", "/queues/parcels", "/events"]

    widths = {}
    for path in paths:
        page.goto(f"{world.base_url}/dev{path}")
        widths[path] = page.evaluate("document.documentElement.scrollWidth")

    assert widths == dict.fromkeys(paths, 360)
