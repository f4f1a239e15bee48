"""The object store: one suite for S3 (moto's, over HTTP) and for the files of a laptop, and what each adds."""

import base64
import csv
import io
import json
import os
import stat
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from moto.server import ThreadedMotoServer
from starlette.testclient import TestClient

from infra.local import aws
from infra.local.objects import LocalObjects
from shared.core import clock, ids, storage
from shared.core.settings import use_settings
from shared.core.storage import BadKey, Bucket, Form, NoSuchObject, Objects, key_of
from shared.core.storage_files import FileObjects
from shared.core.storage_s3 import PART, S3Objects

STORE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
OTHER = UUID("01890a5d-ac96-774b-bcce-b302099a8058")
SOON = timedelta(minutes=15)
HERE = "http://localhost:8000"


class World:
    """A store under test, and a browser that can reach it."""

    def __init__(self, objects: Objects, browser: httpx2.Client) -> None:
        self.objects = objects
        self._browser = browser

    def send(self, form: Form, content: bytes, **changed: str) -> int:
        """Send a file by a form, as a browser does; return the status."""
        fields = {**form.fields, **changed}
        return self._browser.post(form.url, data=fields, files={"file": ("a.jpg", content)}).status_code

    def read(self, key: str, *, start: int = 0) -> bytes:
        """Read a private object from `start` on."""
        with self.objects.open(Bucket.UPLOADS, key, start=start) as file:
            return file.read()

    def fetch(self, url: str) -> httpx2.Response:
        """Follow an address."""
        return self._browser.get(url)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    before = dict(os.environ)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    aws.point_clients_at(f"http://{host}:{port}", os.environ)
    yield f"http://{host}:{port}"
    server.stop()
    os.environ.clear()
    os.environ.update(before)


def _s3() -> S3Objects:
    prefix = f"stormcom-{ids.new_id().hex}-"
    objects = S3Objects(prefix)
    for bucket in Bucket:
        objects._client.create_bucket(Bucket=prefix + bucket)
    return objects


@pytest.fixture
def s3(endpoint: str) -> S3Objects:
    assert endpoint
    return _s3()


@pytest.fixture(params=["files", "s3"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "files":
        objects = FileObjects(tmp_path / "objects", base_url=HERE)
        with TestClient(LocalObjects(objects), base_url=HERE) as browser:
            yield World(objects, browser)
    else:
        request.getfixturevalue("endpoint")
        with httpx2.Client(trust_env=False) as browser:
            yield World(_s3(), browser)


def test_what_is_put_is_read_from_anywhere_in_it(world: World) -> None:
    key = key_of(STORE, "exports", "a.csv")
    world.objects.put(Bucket.UPLOADS, key, b"0123456789", media_type="text/csv")

    read = [world.read(key, start=start) for start in (0, 4, 10, 11)]

    assert read == [b"0123456789", b"456789", b"", b""]
    assert world.objects.size(Bucket.UPLOADS, key) == 10


def test_buckets_do_not_see_each_others_objects(world: World) -> None:
    key = key_of(STORE, "a")
    world.objects.put(Bucket.UPLOADS, key, b"private", media_type="text/plain")

    assert world.objects.size(Bucket.MEDIA, key) is None
    with pytest.raises(NoSuchObject):
        world.objects.open(Bucket.MEDIA, key)


def test_a_file_of_lines_is_read_as_one_through_a_reader_of_text(world: World) -> None:
    key = key_of(STORE, "imports", "a.csv")
    world.objects.put(Bucket.UPLOADS, key, "title\nনীল\n".encode(), media_type="text/csv")

    with io.TextIOWrapper(world.objects.open(Bucket.UPLOADS, key), encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))

    assert rows == [["title"], ["নীল"]]


def test_an_object_that_comes_in_parts_is_whole_when_the_last_is_there(world: World) -> None:
    key = key_of(STORE, "exports", "large.csv")
    line = b"a line of an export\n" * 1000

    total = world.objects.put_parts(Bucket.UPLOADS, key, (line for _ in range(1000)), media_type="text/csv")

    assert total == len(line) * 1000 > 2 * PART
    assert world.objects.size(Bucket.UPLOADS, key) == total
    with world.objects.open(Bucket.UPLOADS, key, start=total - 20) as file:
        assert file.read() == b"a line of an export\n"


def test_an_object_without_any_part_is_an_empty_one(world: World) -> None:
    key = key_of(STORE, "exports", "empty.csv")

    assert world.objects.put_parts(Bucket.UPLOADS, key, (), media_type="text/csv") == 0
    assert world.objects.size(Bucket.UPLOADS, key) == 0


def test_an_object_whose_parts_break_off_is_not_there_and_what_was_there_stays(world: World) -> None:
    new, old = key_of(STORE, "exports", "new.csv"), key_of(STORE, "exports", "old.csv")
    world.objects.put(Bucket.UPLOADS, old, b"as it was", media_type="text/csv")

    def parts() -> Iterable[bytes]:
        yield b"x" * (PART + 1)
        raise ConnectionError

    for key in (new, old):
        with pytest.raises(ConnectionError):
            world.objects.put_parts(Bucket.UPLOADS, key, parts(), media_type="text/csv")

    assert world.objects.size(Bucket.UPLOADS, new) is None
    assert world.read(old) == b"as it was"


def test_removing_is_safe_to_do_twice(world: World) -> None:
    kept, gone = key_of(STORE, "a"), key_of(STORE, "b")
    for key in (kept, gone):
        world.objects.put(Bucket.UPLOADS, key, b"x", media_type="text/plain")

    for _ in range(2):
        world.objects.delete(Bucket.UPLOADS, [gone, key_of(STORE, "never", "there")])

    assert world.objects.size(Bucket.UPLOADS, gone) is None
    assert world.objects.size(Bucket.UPLOADS, kept) == 1


def test_a_stores_objects_go_in_batches_and_no_other_stores(world: World) -> None:
    for number in range(5):
        world.objects.put(Bucket.MEDIA, key_of(STORE, "pictures", str(number)), b"x", media_type="image/webp")
    world.objects.put(Bucket.MEDIA, key_of(OTHER, "pictures", "0"), b"x", media_type="image/webp")

    gone = [world.objects.delete_store(Bucket.MEDIA, STORE, most=3) for _ in range(3)]

    assert gone == [3, 2, 0]
    assert world.objects.size(Bucket.MEDIA, key_of(OTHER, "pictures", "0")) == 1


def test_a_browser_sends_a_file_by_a_form_and_saves_it_by_an_address(world: World) -> None:
    key = key_of(STORE, "uploads", "1")
    form = world.objects.presigned_upload(Bucket.UPLOADS, key, media_type="image/jpeg", most_bytes=100, expires=SOON)

    sent = world.send(form, b"a picture")
    address = world.objects.presigned_download(Bucket.UPLOADS, key, file_name='নীল "1".csv', expires=SOON)
    fetched = world.fetch(address)

    assert sent == 204
    assert world.read(key) == b"a picture"
    assert fetched.content == b"a picture"
    disposition = fetched.headers["content-disposition"].lower()
    assert disposition == "attachment; filename*=utf-8''%e0%a6%a8%e0%a7%80%e0%a6%b2%20%221%22.csv"


@pytest.mark.parametrize(
    "parts",
    [
        ("..", "secret"),
        ("a", "..", "b"),
        (".hidden",),
        ("",),
        ("a/b",),
        ("a\\b",),
        ("a\x00",),
        ("a\n",),
        ("নীল",),
        ("x" * 129,),
        ("a",) * 9,
        (),
    ],
)
def test_a_key_cannot_lead_anywhere_else(world: World, parts: tuple[str, ...]) -> None:
    with pytest.raises(BadKey):
        key_of(STORE, *parts)

    bad = "/".join((str(STORE), *parts))
    if bad != f"{STORE}/a/b":
        for call in (world.objects.open, world.objects.size):
            with pytest.raises(BadKey):
                call(Bucket.UPLOADS, bad)


def test_s3_is_told_the_conditions_of_a_form(s3: S3Objects) -> None:
    key = key_of(STORE, "uploads", "1")

    form = s3.presigned_upload(Bucket.UPLOADS, key, media_type="image/png", most_bytes=1234, expires=SOON)

    policy = json.loads(base64.b64decode(form.fields["policy"]))["conditions"]
    assert ["content-length-range", 1, 1234] in policy
    assert {"Content-Type": "image/png"} in policy
    assert {"key": key} in policy
    assert form.fields["key"] == key


def test_pictures_lie_in_s3_where_the_edge_looks_and_say_that_they_never_change(s3: S3Objects) -> None:
    key = key_of(STORE, "p", "1.webp")
    s3.put(Bucket.MEDIA, key, b"x", media_type="image/webp")
    s3.put_parts(Bucket.MEDIA, key + ".2", [b"x"], media_type="image/webp")

    heads = [s3._client.head_object(Bucket=s3._prefix + "media", Key=f"media/{name}") for name in (key, key + ".2")]

    assert [(head["CacheControl"], head["ContentType"]) for head in heads] == [(storage.IMMUTABLE, "image/webp")] * 2


def test_an_upload_that_breaks_off_leaves_no_parts_in_s3(s3: S3Objects) -> None:
    def parts() -> Iterable[bytes]:
        yield b"x" * PART
        raise ConnectionError

    with pytest.raises(ConnectionError):
        s3.put_parts(Bucket.UPLOADS, key_of(STORE, "a"), parts(), media_type="text/csv")

    assert s3._client.list_multipart_uploads(Bucket=s3._prefix + "uploads").get("Uploads", []) == []


@pytest.fixture
def local(tmp_path: Path) -> FileObjects:
    return FileObjects(tmp_path / "objects", base_url=HERE)


@pytest.fixture
def browser(local: FileObjects) -> Iterator[TestClient]:
    with TestClient(LocalObjects(local), base_url=HERE) as client:
        yield client


def _form(local: FileObjects, **told: Any) -> Form:
    given: dict[str, Any] = {"media_type": "image/jpeg", "most_bytes": 10, "expires": SOON, **told}
    return local.presigned_upload(Bucket.UPLOADS, key_of(STORE, "uploads", "1"), **given)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": f"{OTHER}/uploads/1"},
        {"Content-Type": "text/html"},
        {"policy": base64.b64encode(b"{}").decode()},
        {"policy": ""},
        {"x-signature": "0" * 64},
    ],
)
def test_the_local_store_takes_no_form_that_was_changed(
    local: FileObjects, browser: TestClient, changed: dict[str, str]
) -> None:
    assert World(local, browser).send(_form(local), b"x", **changed) == 403
    assert local.size(Bucket.UPLOADS, key_of(STORE, "uploads", "1")) is None


def test_the_local_store_takes_no_form_for_another_bucket(local: FileObjects, browser: TestClient) -> None:
    form = _form(local)

    assert World(local, browser).send(Form(f"{HERE}/objects/media", form.fields), b"x") == 403


@pytest.mark.parametrize(("size", "status"), [(0, 400), (1, 204), (10, 204), (11, 400), (5_000_000, 400)])
def test_the_local_store_holds_a_form_to_its_size(
    local: FileObjects, browser: TestClient, size: int, status: int
) -> None:
    assert World(local, browser).send(_form(local), b"x" * size) == status
    assert local.size(Bucket.UPLOADS, key_of(STORE, "uploads", "1")) == (size if status == 204 else None)


def test_a_form_without_a_file_is_refused(local: FileObjects, browser: TestClient) -> None:
    assert browser.post(_form(local).url, data=_form(local).fields).status_code == 400


def test_forms_and_addresses_expire(local: FileObjects, browser: TestClient) -> None:
    key = key_of(STORE, "uploads", "1")
    local.put(Bucket.UPLOADS, key, b"x", media_type="text/csv")
    form = _form(local)
    address = local.presigned_download(Bucket.UPLOADS, key, file_name="a.csv", expires=SOON)

    with clock.frozen(clock.now() + SOON + timedelta(seconds=1)):
        statuses = World(local, browser).send(form, b"x"), browser.get(address).status_code

    assert statuses == (403, 403)


def test_an_address_leads_to_one_object_under_one_name(local: FileObjects, browser: TestClient) -> None:
    mine, other = key_of(STORE, "1"), key_of(STORE, "2")
    for key in (mine, other):
        local.put(Bucket.UPLOADS, key, b"x", media_type="text/csv")
    address = local.presigned_download(Bucket.UPLOADS, mine, file_name="a.csv", expires=SOON)

    assert browser.get(address).status_code == 200
    assert browser.get(address.replace(f"{STORE}/1", f"{STORE}/2")).status_code == 403
    assert browser.get(address.replace("a.csv", "a.exe")).status_code == 403
    assert browser.get(f"/objects/uploads/{mine}").status_code == 403


def test_pictures_are_served_as_the_edge_serves_them(local: FileObjects, browser: TestClient) -> None:
    local.put(Bucket.MEDIA, key_of(STORE, "p", "1.webp"), b"a picture", media_type="image/webp")
    local.put(Bucket.UPLOADS, key_of(STORE, "p", "2.webp"), b"private", media_type="image/webp")

    served = browser.get(f"/media/{STORE}/p/1.webp")

    assert served.content == b"a picture"
    assert served.headers["content-type"] == "image/webp"
    assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.headers["x-content-type-options"] == "nosniff"
    for path in (
        f"{STORE}/p/2.webp",
        f"{STORE}/p/%2e%2e/%2e%2e/%2e%2e/.signing-key",
        f"{STORE}/p",
        "..%2f.signing-key",
    ):
        assert browser.get(f"/media/{path}").status_code == 404


def test_only_its_owner_reads_what_lies_on_this_machine(local: FileObjects, tmp_path: Path) -> None:
    local.put(Bucket.UPLOADS, key_of(STORE, "imports", "1"), b"x", media_type="text/csv")
    _form(local)

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    folders = [tmp_path / "objects", *(path for path in (tmp_path / "objects").rglob("*") if path.is_dir())]

    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}


def test_an_address_outlives_the_process_that_signed_it(local: FileObjects, tmp_path: Path) -> None:
    form = _form(local)

    with TestClient(LocalObjects(FileObjects(tmp_path / "objects", base_url=HERE)), base_url=HERE) as later:
        assert World(local, later).send(form, b"x") == 204


def test_the_settings_choose_the_store_and_make_it_once(tmp_path: Path) -> None:
    with use_settings(objects=f"file:{tmp_path}", public_url=HERE):
        chosen = storage.objects()

        assert isinstance(chosen, FileObjects)
        assert storage.objects() is chosen
        assert storage.media_url(key_of(STORE, "1.webp")) == f"{HERE}/media/{STORE}/1.webp"
    with use_settings(objects="s3:stormcom-prod-"):
        assert isinstance(storage.objects(), S3Objects)
