"""A worker that is killed for good, by SIGKILL, in the middle of a picture: the next one ends its work."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared.core import clock, storage
from shared.core.storage import Bucket
from shared.media import processing, uploads
from tests.factories import a_store
from tests.media.way import GOOD, begin, due, key, media_id, read

pytestmark = pytest.mark.usefixtures("watch")

# Says when it has written its first rendition, and waits to be killed.
_WORKER = """
import json, sys, time
from functions.media import process_due
from infra.local import events
from shared.core import storage
from shared.media import workshop
kept = workshop._kept
def slowly(*told):
    made = kept(*told)
    print("begun", flush=True)
    sys.stdin.read()
    return made
workshop._kept = slowly
event = events.sqs_event("due-pictures", [json.dumps({"store_id": sys.argv[1]})])
process_due.handler(event, events.context("media-process-due"))
"""


def test_a_killed_worker_leaves_a_picture_that_the_next_one_finishes(environment: dict[str, str]) -> None:
    store = a_store()
    media = begin(store, GOOD["jpeg"][1])
    store.merchant.post(f"/media/{media['id']}/uploaded")
    with store.session() as session:
        uploads.locked(session, media_id(media)).due_at = clock.now()  # the event got lost, and the sweep came

    worker = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(store.id)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        worker.send_signal(signal.SIGKILL)
    left = read(store, media)["status"]
    with clock.frozen(clock.now() + processing.LEASE + timedelta(seconds=1)):
        due(store)

    found = read(store, media)
    assert (left, found["status"]) == ("processing", "ready")
    shown = {source for one in found["picture"]["sources"] for source in one["srcset"].split(", ")}
    assert len(shown) == 6
    # Both wrote the same: a key says what its object holds.
    assert storage.objects().delete_store(Bucket.MEDIA, store.id, most=100) == 6
    assert storage.objects().size(Bucket.UPLOADS, key(store, media)) == len(GOOD["jpeg"][1])
