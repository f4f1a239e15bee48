"""The daily upkeep: every store is sent there, each is kept up in its own scope, the logs have their partitions."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from functions.stores import keep_up, make_partitions, sweep_upkeep
from infra.local import events
from shared.core import clock, database, ids, queues, tenant_life
from shared.core.idempotency import PLATFORM_STORE
from shared.stores import upkeep
from tests.database import Sql
from tests.factories import a_store
from tests.staff import a_person

pytestmark = pytest.mark.usefixtures("watch")

_TENANTS = "select id from stores union all select id from users union all select id from organizations"

type Sent = list[tuple[str, UUID]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Note what is sent to queues, instead of sending it."""
    noted: Sent = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        noted.extend((queue, UUID(body["store_id"])) for body in bodies)

    monkeypatch.setattr(queues, "send", send)
    return noted


def test_the_sweep_sends_every_tenant_once_page_by_page(sent: Sent, monkeypatch: pytest.MonkeyPatch, sql: Sql) -> None:
    monkeypatch.setattr(sweep_upkeep, "STORES_A_PAGE", 2)
    for _ in range(3):
        a_store()
        a_person()

    sweep_upkeep.handler(events.schedule_event("stores-sweep-upkeep"), None)

    tenants = {row["id"] for row in sql(_TENANTS)}
    assert {queue for queue, _ in sent} == {upkeep.QUEUE}
    assert {store_id for _, store_id in sent} == tenants | {PLATFORM_STORE}
    assert len(sent) == len(tenants) + 1


def test_pages_follow_each_other_without_gap_or_repetition(sql: Sql) -> None:
    for _ in range(5):
        a_store()

    seen: list[UUID] = []
    with database.transaction() as session:
        while page := upkeep.stores_after(session, seen[-1] if seen else upkeep.FIRST, 2):
            seen += page

    assert seen == [row["id"] for row in sql("select id from stores order by id")]


def test_a_store_that_is_kept_up_loses_what_is_due_and_no_other_does(sent: Sent, sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    for store in (mine, theirs):
        expire(sql, store.id, 2)

    answered = keep_up.handler(message(mine.id), events.context("stores-keep-up"))

    left = "select count(*) as n from idempotency_keys where store_id = %s"
    assert answered == {"batchItemFailures": []}
    assert (sql(left, mine.id)[0]["n"], sql(left, theirs.id)[0]["n"]) == (0, 2)
    assert sent == []


def test_a_store_with_more_than_a_transaction_should_remove_goes_round_again(
    sent: Sent, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenant_life, "MOST", 3)
    store = a_store()
    expire(sql, store.id, 3)

    keep_up.handler(message(store.id), events.context("stores-keep-up"))
    first = list(sent)
    keep_up.handler(message(store.id), events.context("stores-keep-up"))

    assert first == sent == [(upkeep.QUEUE, store.id)]


def test_a_persons_and_an_organizations_answers_go_in_time_as_a_stores_do(sent: Sent, sql: Sql) -> None:
    person, organization = a_person().user_id, a_store().organization_id
    for tenant in (person, organization):
        expire(sql, tenant, 2)

        assert keep_up.handler(message(tenant), events.context("stores-keep-up")) == {"batchItemFailures": []}

    left = "select count(*) as n from idempotency_keys where store_id = %s and expires_at < now()"
    assert [sql(left, tenant)[0]["n"] for tenant in (person, organization)] == [0, 0]
    assert sent == []


def test_operators_own_records_are_kept_up_as_a_stores_are(sent: Sent, sql: Sql) -> None:
    expire(sql, PLATFORM_STORE, 1)

    answered = keep_up.handler(message(PLATFORM_STORE), events.context("stores-keep-up"))

    left = sql("select count(*) as n from idempotency_keys where store_id = %s and expires_at < now()", PLATFORM_STORE)
    assert (answered, sent, left[0]["n"]) == ({"batchItemFailures": []}, [], 0)


def test_logs_get_the_partitions_that_they_lack_and_no_more(sql: Sql) -> None:
    last = "select max(relname::text) as name from pg_class where relname ~ '^audit_entries_[0-9]{4}_[0-9]{2}$'"
    newest = sql(last)[0]["name"]
    sql(f"drop table {newest}")

    make_partitions.handler(events.schedule_event("stores-make-partitions"), None)
    with database.transaction() as session:
        again = upkeep.make_partitions(session)

    assert sql(last)[0]["name"] == newest
    assert again == 0


def message(store_id: UUID) -> dict[str, Any]:
    """Return the batch that brings a store to its upkeep."""
    return events.sqs_event(upkeep.QUEUE, [json.dumps({"store_id": str(store_id)})])


def expire(sql: Sql, store_id: UUID, number: int) -> None:
    """Give the store records of requests that nobody can repeat any more."""
    for _ in range(number):
        sql(
            "insert into idempotency_keys (store_id, caller, route, key, fingerprint, expires_at) "
            "values (%s, 'c', 'r', %s, '', %s)",
            *(store_id, str(ids.new_id()), clock.now() - timedelta(days=1)),
        )
