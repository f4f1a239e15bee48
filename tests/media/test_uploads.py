"""Uploading pictures over HTTP: begun, sent, looked at, and shown, or refused with a word."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock, storage
from shared.core.settings import settings
from shared.core.storage import Bucket
from shared.media import workshop
from tests.catalog.shelf import audited, code, told
from tests.database import Sql
from tests.factories import a_store
from tests.media import corpus
from tests.media.way import GOOD, begin, deliver, due, finish, key, media_id, read

pytestmark = pytest.mark.usefixtures("watch")


def test_an_upload_becomes_a_picture_that_shops_can_show(sql: Sql) -> None:
    store = a_store()
    media_type, content = GOOD["jpeg on its side, with a place"]
    media = begin(store, content)

    ready = finish(store, media)

    assert (media["status"], ready["status"], ready["refusal"]) == ("awaiting_upload", "ready", None)
    assert (ready["media_type"], ready["size_bytes"]) == (media_type, len(content))
    picture = ready["picture"]
    assert (picture["width"], picture["height"]) == (270, 360)
    assert [source["type"] for source in picture["sources"]] == ["image/avif", "image/webp", "image/jpeg"]
    prefix = f"{settings().public_url}/media/{store.id}/{media_id(media).hex}/"
    addresses = [one.split() for source in picture["sources"] for one in source["srcset"].split(", ")]
    assert [width for _, width in addresses] == ["160w", "270w"] * 3
    for address, _ in addresses:
        assert address.startswith(prefix)
        file = storage.objects().open(Bucket.MEDIA, address.removeprefix(f"{settings().public_url}/media/"))
        with file:
            assert hashlib.sha256(file.read()).hexdigest()[:20] in address  # so it never has to change
    assert picture["url"] == addresses[-1][0]
    assert told(sql, store, "media.") == [("media.uploaded", 2), ("media.ready", 3)]
    assert audited(sql, store, "media.created")[0][1]["file_name"] == "mug.jpg"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type"),
        (corpus.encoded(corpus.photo(64, 64), "PNG"), "type_mismatch"),
        (corpus.encoded(corpus.photo(64, 64), "JPEG") + corpus.archive(), "more_than_a_picture"),
        (corpus.encoded(corpus.photo(64, 64), "JPEG")[:500], "truncated"),
    ],
)
def test_what_is_no_picture_is_refused_and_its_merchant_told_why(sql: Sql, content: bytes, reason: str) -> None:
    store = a_store()

    refused = finish(store, begin(store, content))

    assert (refused["status"], refused["refusal"]["code"], refused["picture"]) == ("refused", reason, None)
    assert refused["refusal"]["message"].endswith(".")
    assert told(sql, store, "media.")[-1] == ("media.refused", 3)


def test_a_file_that_is_larger_than_any_picture_is_not_read_whole() -> None:
    store = a_store()
    media = begin(store)
    storage.objects().put(Bucket.UPLOADS, key(store, media), bytes(20 * 1024 * 1024 + 1), media_type=corpus.JPEG)

    assert finish(store, media)["refusal"]["code"] == "too_large"


def test_an_upload_that_never_came_fails_and_can_still_be_sent() -> None:
    store = a_store()
    media = begin(store, GOOD["jpeg"][1])
    storage.objects().delete(Bucket.UPLOADS, [key(store, media)])

    failed = finish(store, media)
    storage.objects().put(Bucket.UPLOADS, key(store, media), GOOD["jpeg"][1], media_type=corpus.JPEG)
    ready = finish(store, media)

    assert (failed["status"], failed["refusal"]["code"]) == ("failed", "never_uploaded")
    assert (ready["status"], ready["refusal"]) == ("ready", None)


def test_an_upload_of_which_nobody_said_that_it_is_there_is_found_after_its_form_ended() -> None:
    store = a_store()
    forgotten, never = begin(store, GOOD["jpeg"][1]), begin(store)
    storage.objects().delete(Bucket.UPLOADS, [key(store, never)])

    with clock.frozen(clock.now()) as time:
        due(store)
        early = [read(store, media)["status"] for media in (forgotten, never)]
        time.tick(timedelta(minutes=76))
        due(store)

    assert early == ["awaiting_upload"] * 2
    assert [read(store, media)["status"] for media in (forgotten, never)] == ["ready", "failed"]


def test_an_event_that_comes_again_changes_nothing(sql: Sql) -> None:
    store = a_store()
    media = begin(store, GOOD["jpeg"][1])
    ready = finish(store, media)

    deliver(store, media)
    again = store.merchant.post(f"/media/{media['id']}/uploaded").json()

    assert again == ready == read(store, media)
    assert told(sql, store, "media.") == [("media.uploaded", 2), ("media.ready", 3)]


def test_a_decoder_that_dies_takes_only_its_own_picture_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    store = a_store()
    bad, good = begin(store, b"\xff\xd8\xff"), begin(store, GOOD["jpeg"][1])
    real = workshop.render

    def dying(folder: Any, content: bytes) -> dict[str, Any]:
        monkeypatch.setattr(workshop, "_RENDERING", 0.01 if content == b"\xff\xd8\xff" else 110)
        return real(folder, content)

    monkeypatch.setattr(workshop, "render", dying)

    statuses = [finish(store, media) for media in (bad, good)]

    assert [one["status"] for one in statuses] == ["refused", "ready"]
    assert statuses[0]["refusal"]["code"] == "too_costly"


def test_a_deletion_of_another_version_is_refused() -> None:
    store = a_store()
    media = begin(store)

    refused = store.merchant.delete(f"/media/{media['id']}", headers={"If-Match": '"7"'})

    assert code(refused) == (412, "stale_version")


@pytest.mark.parametrize(
    "changed",
    [
        {"media_type": "image/svg+xml"},
        {"media_type": "text/html"},
        {"size_bytes": 0},
        {"size_bytes": 20 * 1024 * 1024 + 1},
        {"size_bytes": "10"},
        {"file_name": ""},
        {"file_name": "x" * 256},
    ],
)
def test_an_upload_of_what_we_do_not_take_is_not_begun(changed: dict[str, Any]) -> None:
    new = {"file_name": "mug.jpg", "media_type": "image/jpeg", "size_bytes": 10, **changed}

    assert code(a_store().merchant.post("/media", json=new)) == (422, "validation_failed")


def test_a_form_is_for_one_file_of_the_size_that_was_told() -> None:
    store = a_store()

    begun = store.merchant.post(
        "/media", json={"file_name": "mug.jpg", "media_type": "image/png", "size_bytes": 1234}
    ).json()

    fields = begun["upload"]["fields"]
    assert fields["Content-Type"] == "image/png"
    assert fields["key"] == key(store, begun["media"])
