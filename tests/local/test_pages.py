"""The pages under /dev: what they show, that they run nothing of it, and that strangers' web pages can't use them."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from infra.local import gateway
from infra.local.messages import Sent, Watch
from infra.local.pages import Pages, with_pages
from tests.local import handlers
from tests.local.world import HOSTILE, World, a_world

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HERE = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def world(tmp_path: Path, sqs: "SQSClient", inbox: handlers.Inbox) -> World:
    assert inbox.firings == []
    return a_world(tmp_path, sqs)


@pytest.fixture
def client(world: World) -> TestClient:
    return TestClient(Pages(world.system), base_url="http://localhost:8000", follow_redirects=False)


def test_the_overview_shows_the_demo_store_and_leads_everywhere(client: TestClient) -> None:
    page = client.get("/dev")

    assert page.status_code == 200
    for shown in ("pk_demo", "sk_demo", 'href="/dev/messages"', 'href="/api/v1/docs"', "parcels", "letters"):
        assert shown in page.text


def test_a_message_is_shown_as_text_and_never_run(client: TestClient, world: World) -> None:
    world.leave("m1", subject=HOSTILE, text=HOSTILE, to=HOSTILE, html='<b onclick="x()">hi</b>"><script>1</script>')

    listed = client.get("/dev/messages")
    shown = client.get("/dev/messages/m1")

    assert "&lt;script&gt;document.title" in listed.text
    assert "<script" not in listed.text
    assert "<script" not in shown.text
    assert '<iframe sandbox srcdoc="&lt;b onclick=' in shown.text
    assert "default-src 'none'" in shown.headers["content-security-policy"]


def test_a_link_in_a_message_can_be_followed(client: TestClient, world: World) -> None:
    world.leave("m1", text="Your order: http://localhost:8000/o/1?t=2 , thank you")

    shown = client.get("/dev/messages/m1")

    assert re.search(r'<a href="http://localhost:8000/o/1\?t=2" rel="[a-z ]*noreferrer">', shown.text)


def test_messages_are_listed_newest_first(world: World) -> None:
    world.leave("a", subject="second", at="2026-11-21T12:00:02Z")
    world.leave("b", subject="third", at="2026-11-21T12:00:03Z")
    world.leave("c", subject="first", at="2026-11-21T12:00:01Z")

    found = [sent.subject for sent in world.system.outgoing.latest()]

    assert found == ["third", "second", "first"]


def test_a_file_that_is_no_message_is_passed_over(client: TestClient, world: World) -> None:
    world.leave("whole", subject="whole")
    (world.folder / "torn.json").write_text('{"at": "2026-')
    (world.folder / "list.json").write_text("[]")

    assert [sent.name for sent in world.system.outgoing.latest()] == ["whole"]
    assert client.get("/dev/messages").status_code == 200


@pytest.mark.parametrize("name", ["missing", "..%2F..%2Fkeys", "%2e%2e"])
def test_only_messages_can_be_opened(client: TestClient, name: str) -> None:
    assert client.get(f"/dev/messages/{name}").status_code == 404


def test_the_jobs_page_shows_runs_with_their_errors_and_when_schedules_are_due(
    client: TestClient, world: World
) -> None:
    with world.system.runs.recorded("consumer", "shop-parcels", "3 messages"):
        raise RuntimeError(HOSTILE)

    page = client.get("/dev/jobs").text

    assert "3 messages" in page
    assert "RuntimeError: &lt;script&gt;" in page
    assert "shop-tick" in page
    assert "<script" not in page


def test_a_schedule_can_be_run_from_the_jobs_page(client: TestClient, world: World) -> None:
    answer = client.post("/dev/schedules/shop-tick/run", headers=HERE)
    fired = world.system.scheduler.fire_due()

    assert (answer.status_code, answer.headers["location"]) == (303, "/dev/jobs")
    assert (fired, len(handlers.inbox.firings)) == (1, 1)


def test_a_dead_letter_is_shown_sent_back_and_deleted(client: TestClient, world: World) -> None:
    world.kill('{"store_id":"s1"}')
    back, gone = world.kill("back"), world.kill("gone")

    page = client.get("/dev/queues/parcels").text
    redriven = client.post(f"/dev/queues/parcels/{back}/redrive", headers=HERE)
    deleted = client.post(f"/dev/queues/parcels/{gone}/delete", headers=HERE)

    assert "&#34;store_id&#34;: &#34;s1&#34;" in page
    assert (redriven.status_code, deleted.status_code) == (303, 303)
    depth = next(depth for depth in world.system.queues.depths() if depth.queue == "parcels")
    assert (depth.waiting, depth.dead) == (1, 1)


def test_the_events_page_shows_what_happened_and_runs_nothing_of_it(client: TestClient) -> None:
    page = client.get("/dev/events").text

    assert "order.placed" in page
    assert "&lt;script&gt;document.title" in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/dev/nothing", "/dev/queues/nothing", "/dev/messages/nothing"])
def test_what_is_not_there_is_a_page_that_says_so(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, "<nav" in answer.text) == (404, True)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7", ""]
)
def test_a_strangers_name_for_this_machine_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/dev/messages", headers={"Host": host})

    assert answer.status_code == 421
    assert "<nav" not in answer.text


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "demo.localhost:8000"])
def test_this_machines_own_names_are_taken(client: TestClient, host: str) -> None:
    assert client.get("/dev", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9000"},
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("action", ["redrive", "delete"])
def test_another_page_in_the_same_browser_changes_nothing(
    client: TestClient, world: World, headers: dict[str, str], action: str
) -> None:
    letter = world.kill("kept")

    answer = client.post(f"/dev/queues/parcels/{letter}/{action}", headers=headers)

    assert answer.status_code == 403
    assert [kept.body for kept in world.system.queues.letters("parcels")] == ["kept"]


def test_a_message_is_told_once_when_it_is_sent(world: World) -> None:
    world.leave("old")
    told: list[Sent] = []
    watch = Watch(world.system.outgoing, told.append)

    world.leave("new", subject="Hello")
    watch.look()
    watch.look()

    assert [(sent.name, sent.subject) for sent in told] == [("new", "Hello")]


@pytest.mark.parametrize(
    ("path", "asked"), [("/", "/dev"), ("/dev", "pages"), ("/dev/x", "pages"), ("/devices", "api")]
)
def test_the_front_door_is_the_pages_and_all_else_is_the_api(path: str, asked: str) -> None:
    client = TestClient(with_pages(_naming("pages"), _naming("api")), follow_redirects=False)

    answer = client.get(path)

    assert answer.headers.get("location", answer.text) == asked


def _naming(name: str) -> gateway.ASGI:
    return PlainTextResponse(name)
