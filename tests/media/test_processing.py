"""The worker on pictures: by the row, twice, late, with others that die, and with servers that do not answer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from functions.media import sweep
from infra.local import events
from shared.core import clock, ids, queues, storage
from shared.core.settings import settings
from shared.core.storage import Bucket
from shared.media import processing, remote, workshop
from shared.media.workshop import NotHad, Outcome, Ready, Refused, Task
from tests.catalog.shelf import told
from tests.core.strangers import Server
from tests.database import Sql
from tests.factories import a_store
from tests.media import corpus
from tests.media.way import GOOD, begin, due, fetches, finish, key, media_id, once, read

pytestmark = pytest.mark.usefixtures("watch")

READY = Ready("image/jpeg", 10, 100, 100, b"x" * 32, [])
LATER = NotHad("timeout", retryable=True)


def test_two_workers_never_have_the_same_picture() -> None:
    store = a_store()
    fetches(store, 6)

    with store.session() as one, store.session() as other:
        first, second = processing.claim_due(one), processing.claim_due(other)

    assert first is not None
    assert second is not None
    taken = [task.media_id for claimed in (first, second) for task in claimed.tasks]
    assert len(taken) == len(set(taken)) == 6


def test_a_worker_that_died_is_followed_when_its_lease_is_over_and_comes_back_to_nothing(sql: Sql) -> None:
    store = a_store()
    [media] = fetches(store)
    with clock.frozen(clock.now()) as time:
        with store.session() as session:
            dead = processing.claim_due(session)
        before = once(store, READY)
        time.tick(processing.LEASE + timedelta(seconds=1))
        after = once(store, READY)
        assert dead is not None
        with store.session() as session:
            late = processing.work(dead, on_one=lambda _: Refused("broken"))
            processing.settle(session, dead, late)

    assert before is None
    assert after is not None
    assert after.tasks[0].attempt == 2
    assert read(store, media)["status"] == "ready"
    assert told(sql, store, "media.") == [("media.ready", 2)]


def test_what_kills_every_worker_ends_after_six_of_them() -> None:
    store = a_store()
    [media] = fetches(store)
    with clock.frozen(clock.now()) as time:
        for _ in range(7):
            with store.session() as session:
                processing.claim_due(session)
            time.tick(processing.LEASE + timedelta(seconds=1))

        assert once(store, READY) is None
    assert (read(store, media)["status"], read(store, media)["refusal"]["code"]) == ("failed", "lost")


def test_a_server_that_does_not_answer_is_asked_again_for_six_hours(sql: Sql) -> None:
    store = a_store()
    [media] = fetches(store)
    pauses = []
    with clock.frozen(clock.now()) as time:
        while once(store, LATER) is not None:
            [row] = sql("select status, due_at from media_assets where store_id = %s", store.id)
            if row["due_at"] is None:
                break
            pauses.append(row["due_at"] - clock.now())
            assert once(store, LATER) is None  # not before its time
            time.tick(pauses[-1])

    assert [pause / timedelta(minutes=1) for pause in pauses] == [1, 4, 16, 64, 256]
    failed = read(store, media)
    assert (failed["status"], failed["refusal"]["code"]) == ("failed", "timeout")


def test_a_server_that_has_nothing_is_not_asked_again() -> None:
    store = a_store()
    [media] = fetches(store)

    once(store, NotHad("not_found", retryable=False))

    assert (read(store, media)["status"], read(store, media)["refusal"]["code"]) == ("failed", "not_found")


def test_on_a_machine_without_internet_a_fetch_fails_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    with store.session() as session:
        [found] = remote.request_fetches(session, ["http://localhost/1.jpg"]).values()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    due(store)

    failed = read(store, {"id": ids.encode("media", found)})
    assert (failed["status"], failed["refusal"]["code"]) == ("failed", "forbidden_address")
    assert failed["source_url"] == "http://localhost/1.jpg"


def test_a_picture_elsewhere_may_be_of_another_type_than_its_server_says() -> None:
    store, server = a_store(), Server()
    content = corpus.encoded(corpus.photo(64, 64), "WEBP")
    server.on("/0.jpg", lambda it: it.answer(200, content, content_type="image/jpeg"))
    [media] = fetches(store)

    once(store, lambda task: workshop.work(replace(task, url=server.url("/0.jpg")), outside=server.outside))
    server.close()

    assert (read(store, media)["status"], read(store, media)["media_type"]) == ("ready", "image/webp")


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ((200, b"<svg onload='x()'></svg>"), "refused", "unsupported_type"),
        ((200, corpus.encoded(corpus.photo(64, 64), "PNG") + corpus.archive()), "refused", "more_than_a_picture"),
        ((404, b""), "failed", "not_found"),
        ((302, b""), "failed", "invalid_redirect"),
        ((503, b""), "queued", "server_error"),
    ],
)
def test_what_another_server_answers_is_told_to_the_merchant(
    answer: tuple[int, bytes], status: str, reason: str
) -> None:
    store, server = a_store(), Server()
    server.on("/0.jpg", lambda it: it.answer(*answer))
    [media] = fetches(store)

    once(store, lambda task: workshop.work(replace(task, url=server.url("/0.jpg")), outside=server.outside))
    server.close()

    found = read(store, media)
    assert (found["status"], found["refusal"]["code"]) == (status, reason)


def test_what_was_not_begun_in_time_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    [media] = fetches(store)
    monkeypatch.setattr(processing, "_TIME_TO_BEGIN", 0)

    once(store, READY)

    assert read(store, media)["status"] == "queued"
    monkeypatch.undo()
    claimed = once(store, READY)
    assert claimed is not None
    assert claimed.tasks[0].attempt == 1


def test_a_deleted_picture_is_shown_nowhere_and_its_files_go_after_ninety_days(sql: Sql) -> None:
    store = a_store()
    media = finish(store, begin(store, GOOD["jpeg"][1]))
    shown = media["picture"]["url"].removeprefix(f"{settings().public_url}/media/")

    deleted = store.merchant.delete(f"/media/{media['id']}", headers={"If-Match": f'"{media["version"]}"'})
    with clock.frozen(clock.now()) as time:
        time.tick(timedelta(days=89))
        due(store)
        kept = storage.objects().size(Bucket.MEDIA, shown)
        time.tick(timedelta(days=1))
        due(store)

    assert deleted.status_code == 200
    assert store.merchant.get(f"/media/{media['id']}").status_code == 404
    assert store.merchant.get("/media").json()["data"] == []
    assert kept is not None
    assert storage.objects().size(Bucket.MEDIA, shown) is None
    assert storage.objects().size(Bucket.UPLOADS, key(store, media)) is None
    [row] = sql("select renditions, due_at from media_assets where store_id = %s", store.id)
    assert row == {"renditions": [], "due_at": None}
    assert told(sql, store, "media.")[-1] == ("media.deleted", 4)


def test_a_picture_that_is_deleted_while_it_is_worked_on_leaves_no_file_behind(sql: Sql) -> None:
    store = a_store()
    media = begin(store, GOOD["jpeg"][1])
    store.merchant.post(f"/media/{media['id']}/uploaded")

    def deleted_meanwhile(task: Task) -> Outcome:
        assert store.merchant.delete(f"/media/{media['id']}").status_code == 200
        return workshop.work(task)

    with store.session() as session:
        claimed = processing.claim(session, media_id(media))
    assert claimed is not None
    worked = processing.work(claimed, on_one=deleted_meanwhile)
    with store.session() as session:
        processing.settle(session, claimed, worked)
    with clock.frozen(clock.now() + timedelta(days=91)):
        due(store)

    assert storage.objects().delete_store(Bucket.MEDIA, store.id, most=10) == 0
    assert [kind for kind, _ in told(sql, store, "media.")] == ["media.uploaded", "media.deleted"]


def test_the_sweep_finds_every_store_with_due_pictures_once_for_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    one, three = a_store(), a_store()
    fetches(one, processing.BATCH)
    fetches(three, 3 * processing.BATCH - 1)
    sent: list[Any] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.extend((queue, body["store_id"]) for body in bodies))
    monkeypatch.setattr(sweep, "_MOST", 100_000)

    sweep.handler({}, events.context("media-sweep"))

    assert {queue for queue, _ in sent} == {processing.QUEUE}
    assert [sent.count((processing.QUEUE, str(store.id))) for store in (one, three)] == [1, 3]
