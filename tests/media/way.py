"""Pictures on their way, as the tests of uploads and of the worker send them."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

from functions.media import process, process_due
from infra.local import events
from shared.core import ids, storage
from shared.core.storage import Bucket
from shared.media import processing, remote
from shared.media.processing import Claimed
from shared.media.workshop import Outcome, Task
from tests.factories import StoreUnderTest
from tests.media import corpus

GOOD = {name: (media_type, content) for name, media_type, content in corpus.good()}


def begin(store: StoreUnderTest, content: bytes = b"x", *, media_type: str = corpus.JPEG) -> dict[str, Any]:
    """Begin an upload and send its file, as the object store takes it."""
    new = {"file_name": "mug.jpg", "media_type": media_type, "size_bytes": max(1, len(content))}
    answer = store.merchant.post("/media", json=new)
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()["media"]
    storage.objects().put(Bucket.UPLOADS, key(store, begun), content, media_type=media_type)
    return begun


def key(store: StoreUnderTest, media: dict[str, Any]) -> str:
    return storage.key_of(store.id, "pictures", media_id(media).hex)


def media_id(media: dict[str, Any]) -> UUID:
    return ids.decode("media", media["id"])


def finish(store: StoreUnderTest, media: dict[str, Any]) -> dict[str, Any]:
    """Say that the file is there, and let the worker have the event."""
    answer = store.merchant.post(f"/media/{media['id']}/uploaded")
    assert answer.status_code == 200, answer.text
    deliver(store, media)
    return read(store, media)


def deliver(store: StoreUnderTest, media: dict[str, Any]) -> None:
    payload = {"media_id": media["id"], "version": 2}
    body = {"store_id": str(store.id), "event": {"id": str(ids.new_id()), "type": "media.uploaded", "payload": payload}}
    event = events.sqs_event("uploaded-pictures", [json.dumps(body)])
    assert process.handler(event, events.context("media-process"))["batchItemFailures"] == []


def due(store: StoreUnderTest) -> None:
    event = events.sqs_event(processing.QUEUE, [json.dumps({"store_id": str(store.id)})])
    assert process_due.handler(event, events.context("media-process-due"))["batchItemFailures"] == []


def read(store: StoreUnderTest, media: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = store.merchant.get(f"/media/{media['id']}").json()
    return found


def once(store: StoreUnderTest, outcome: Outcome | Callable[[Task], Outcome]) -> Claimed | None:
    """Let a worker go through one batch of what is due, and come to this outcome."""
    with store.session() as session:
        claimed = processing.claim_due(session)
    if claimed is None:
        return None
    worked = processing.work(claimed, on_one=outcome if callable(outcome) else lambda _: outcome)
    with store.session() as session:
        processing.settle(session, claimed, worked)
    return claimed


def fetches(store: StoreUnderTest, count: int = 1) -> list[dict[str, Any]]:
    """Ask for pictures elsewhere."""
    urls = [f"https://cdn.example/{number}.jpg" for number in range(count)]
    with store.session() as session:
        found = remote.request_fetches(session, urls)
    return [{"id": ids.encode("media", found[url])} for url in urls]
