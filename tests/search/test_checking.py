"""The nightly check: drift of every kind is planted, found, told and set right."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from infra.local import events, routing
from shared.core import topology
from shared.search import checking
from tests.database import Sql
from tests.factories import StoreUnderTest
from tests.search.shopfront import Shop, a_shop, deliver
from tests.tenancy.living import queues_kept

pytestmark = pytest.mark.usefixtures("watch")

TAMPERED = {
    "slug": "'other'",
    "title": "'Other'",
    "sort_name": "'other'",
    "currency": "'USD'",
    "price": "price + 1",
    "highest_price": "highest_price + 1",
    "in_stock": "not in_stock",
    "published_at": "published_at - interval '1 day'",
    "terms": "terms[2:]",
    "categories": "'{}'::uuid[] || id",
    "numbers": "'{\"weight\": 77}'",
    "words": "'other'",
    "search": "'other'::tsvector",
    "card": "replace(card, 'thing', 'nothing')",
    "page": "replace(page, 'thing', 'nothing')",
    "source": "'\\x00'",
    "listed_as": "'\\x00'",
}


@pytest.fixture
def shop(application: None) -> Shop:  # noqa: ARG001 -- the environment
    """Fill a store whose summaries are right."""
    made = a_shop()
    made.add_some(3)
    made.store.show()
    assert check(made.store) == []
    return made


def test_every_column_is_watched_but_for_those_that_move(sql: Sql) -> None:
    columns = {
        row["name"]
        for row in sql(
            "select attname::text as name from pg_attribute "
            "where attrelid = 'product_summaries'::regclass and attnum > 0 and not attisdropped"
        )
    }

    assert columns - TAMPERED.keys() == {"store_id", "id", "sold", "front", "refreshed_at"}


@pytest.mark.parametrize("column", TAMPERED)
def test_a_changed_column_is_found_and_set_right(shop: Shop, sql: Sql, column: str) -> None:
    before = _rows(sql, shop.store)
    sql(
        f"update product_summaries set {column} = {TAMPERED[column]} where store_id = %s and slug = 'thing-1'",
        shop.store.id,
    )

    found = check(shop.store, sql)

    assert found == [{"missing": 0, "stale": 1, "left_over": 0}]
    assert _rows(sql, shop.store) == before
    assert check(shop.store, sql) == found  # the second one told nothing


def _unseen(sql: Sql, store: UUID) -> None:
    sql("update products set title = 'Past everybody' where store_id = %s and slug = 'thing-1'", store)


def _lost(sql: Sql, store: UUID) -> None:
    sql("delete from product_summaries where store_id = %s and slug = 'thing-1'", store)


def _left_over(sql: Sql, store: UUID) -> None:
    sql("update products set status = 'draft' where store_id = %s and slug = 'thing-1'", store)


def _sold_out(sql: Sql, store: UUID) -> None:
    sql("update stock_levels set on_hand = 9 - least(on_hand, 9) * 3, reserved = 0 where store_id = %s", store)


@pytest.mark.parametrize(
    ("plant", "kind"),
    [(_unseen, "stale"), (_lost, "missing"), (_left_over, "left_over"), (_sold_out, "stale")],
)
def test_what_events_did_not_tell_is_found_and_set_right(
    shop: Shop, sql: Sql, plant: Callable[[Sql, UUID], None], kind: str
) -> None:
    plant(sql, shop.store.id)

    found = check(shop.store, sql)

    assert len(found) == 1
    assert found[0][kind] >= 1
    assert sum(found[0].values()) == found[0][kind]
    with shop.store.session() as session:
        everything = [row["id"] for row in _rows(sql, shop.store)]
        assert checking.repair(session, everything) == checking.Drift()


def test_sales_and_words_are_counted_anew(shop: Shop, sql: Sql) -> None:
    sql("update product_summaries set sold = 5 where store_id = %s", shop.store.id)

    assert check(shop.store) == []

    assert {row["sold"] for row in _rows(sql, shop.store, "sold")} == {0}


def test_a_large_store_is_checked_chunk_by_chunk(shop: Shop, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.search.summaries.CHUNK", 1)
    sql("update product_summaries set title = 'Other' where store_id = %s", shop.store.id)

    found = check(shop.store, sql)

    assert found == [{"missing": 0, "stale": 1, "left_over": 0}] * 3


def test_the_sweep_sends_every_store_to_its_check(shop: Shop) -> None:
    (sweep,) = [one for one in topology.load().schedules if one.handler == "functions.search.sweep_checks.handler"]
    with queues_kept() as sent:
        context = events.context(sweep.name, memory=sweep.memory, timeout=sweep.timeout)
        routing.handler(sweep.handler)({"id": "test"}, context)

    assert (checking.QUEUE, {"store_id": str(shop.store.id)}) in sent


def check(store: StoreUnderTest, sql: Sql | None = None) -> list[dict[str, Any]]:
    """Check a store to its end; return what was told of drift, ever."""
    with queues_kept() as waiting:
        waiting.append((checking.QUEUE, {"store_id": str(store.id)}))
        while waiting:
            queue, body = waiting.pop(0)
            if queue == checking.QUEUE:
                assert deliver(queue, [dict(body)]) == []
    if sql is None:
        return []
    told = sql(
        "select payload from domain_events where store_id = %s and type = 'summaries.drifted' order by id", store.id
    )
    return [{kind: row["payload"][kind] for kind in ("missing", "stale", "left_over")} for row in told]


def _rows(sql: Sql, store: StoreUnderTest, *columns: str) -> list[dict[str, Any]]:
    wanted = ", ".join(columns or (*TAMPERED, "id"))
    return sql(f"select {wanted} from product_summaries where store_id = %s order by id", store.id)
