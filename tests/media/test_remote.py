"""Asking for pictures that lie elsewhere: one row an address, whoever asks and how often."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from shared.core import clock
from shared.media import queries, remote
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def urls(count: int) -> list[str]:
    return [f"https://cdn.example/{number}.jpg" for number in range(count)]


def request(store: StoreUnderTest, wanted: list[str]) -> dict[str, str]:
    with store.session() as session:
        return {url: str(media_id) for url, media_id in remote.request_fetches(session, wanted).items()}


def test_hundreds_of_addresses_are_asked_for_by_one_statement(watch: Watch, sql: Sql) -> None:
    store = a_store()
    mark = len(watch.statements)

    found = request(store, urls(500))

    assert watch.count_since(mark) == 1
    assert list(found) == urls(500)
    rows = sql("select id, source_url, status, due_at from media_assets where store_id = %s", store.id)
    assert {row["source_url"]: str(row["id"]) for row in rows} == found
    assert {(row["status"], row["due_at"] is None) for row in rows} == {("queued", False)}


def test_a_picture_that_the_store_has_of_an_address_is_used_again() -> None:
    store, other = a_store(), a_store()
    first = request(store, urls(3))

    again = request(store, [*urls(4), " https://cdn.example/0.jpg "])
    elsewhere = request(other, urls(3))

    assert {url: again[url] for url in first} == first
    assert again[" https://cdn.example/0.jpg "] == first["https://cdn.example/0.jpg"]
    assert not set(elsewhere.values()) & set(again.values())


def test_what_no_server_could_be_asked_by_is_missing_in_the_answer() -> None:
    bad = [
        "",
        "cdn.example/1.jpg",
        "//cdn.example/1.jpg",
        "ftp://cdn.example/1.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "https://user:secret@cdn.example/1.jpg",
        "https://cdn.example:8080/1.jpg",
        "https://cdn.example:99999/1.jpg",
        "https://[::1/1.jpg",
        "https:///1.jpg",
        "https://cdn.example\\@127.0.0.1/1.jpg",
        "https://cdn.example/\r\nHost: internal",
        f"https://cdn.example/{'x' * 2048}",
        "https://cdn .example/",
    ]

    assert request(a_store(), [*bad, *urls(1)]).keys() == set(urls(1))


@pytest.mark.parametrize("status", ["refused", "failed"])
def test_what_was_fetched_in_vain_is_fetched_again(sql: Sql, status: str) -> None:
    store = a_store()
    request(store, urls(1))
    with store.session() as session:
        for step in ("processing", status):
            due = "null" if step == status else "now()"
            session.execute(
                text(f"update media_assets set status = '{step}', due_at = {due}, attempts = 5, refusal = 'not_found'")
            )

    request(store, urls(1))

    [row] = sql("select * from media_assets where store_id = %s", store.id)
    assert (row["status"], row["attempts"], row["refusal"], row["version"]) == ("queued", 0, None, 2)
    assert row["due_at"] <= clock.now()


def test_two_that_ask_at_once_get_the_same_pictures(sql: Sql) -> None:
    store = a_store()

    with ThreadPoolExecutor(4) as pool:
        orders = [urls(200), urls(200)[::-1]] * 4
        answers = list(pool.map(lambda wanted: request(store, wanted), orders))

    assert all(dict(sorted(answer.items())) == dict(sorted(answers[0].items())) for answer in answers)
    assert sql("select count(*) as rows from media_assets where store_id = %s", store.id)[0]["rows"] == 200


def test_the_address_is_found_by_its_index_under_row_level_security(sql: Sql) -> None:
    store = a_store()
    request(store, urls(2000))
    sql("analyze media_assets")
    with store.session() as session:
        plan = (
            session.execute(
                text(
                    "explain select id from media_assets where store_id = :store and deleted_at is null "
                    "and source_key = any (cast(:keys as uuid[]))"
                ),
                {"store": store.id, "keys": [remote._key(url) for url in urls(10)]},
            )
            .scalars()
            .all()
        )

    assert any("media_assets_by_source" in line for line in plan), plan


def test_pictures_are_read_by_one_statement_and_only_ones_own(watch: Watch) -> None:
    store, other = a_store(), a_store()
    with store.session() as session:
        mine = list(remote.request_fetches(session, urls(50)).values())
    with other.session() as session:
        theirs = list(remote.request_fetches(session, urls(1)).values())
    mark = len(watch.statements)

    with store.session() as session:
        found = queries.pictures(session, [*mine, *theirs])

    assert watch.count_since(mark) == 1
    assert found.keys() == set(mine)
    assert {(picture.status, picture.url, picture.on_the_wire()) for picture in found.values()} == {
        ("queued", None, None)
    }
