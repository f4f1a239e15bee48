"""Sealing: what waits becomes a block, once, whoever seals and however often; the business waits for nobody."""

from contextlib import AbstractContextManager
from uuid import UUID

import pytest

from functions.audit import seal, sweep_unsealed
from infra.local import events
from shared.audit import sealing
from shared.audit.models import MOST
from shared.audit.sealing_keys import sealing_keys
from shared.core import audit, database
from shared.core.settings import use_settings
from tests.application import Watch
from tests.audit.trail import TEST, a_tenant, change, named, queues_noted, sealed, take, verified
from tests.database import Sql

pytestmark = pytest.mark.usefixtures("watch")


def test_a_change_waits_beside_its_entry_until_it_is_sealed(sql: Sql) -> None:
    tenant = a_tenant()
    change(tenant, 3)
    waiting = sql("select id from unsealed_entries where store_id = %s order by id", tenant)

    sealed(tenant)

    entries = sql("select id, row_hash from audit_entries where store_id = %s order by id", tenant)
    [block] = sql("select * from audit_blocks where store_id = %s", tenant)
    assert [row["id"] for row in waiting] == [row["id"] for row in entries]
    assert block["number"] == 1
    assert bytes(block["previous_hash"]) == bytes(32)
    assert block["entry_ids"] == [row["id"] for row in entries]
    assert bytes(block["entry_hashes"]) == b"".join(bytes(row["row_hash"]) for row in entries)
    assert (block["row_count"], block["first_id"], block["last_id"]) == (3, entries[0]["id"], entries[2]["id"])
    assert sql("select 1 from unsealed_entries where store_id = %s", tenant) == []
    assert verified(tenant) == []


def test_blocks_follow_each_other_and_nothing_waiting_makes_none(sql: Sql) -> None:
    tenant = a_tenant()

    sealed(tenant, 2, 1)
    sealed(tenant)

    blocks = sql("select number, hash, previous_hash from audit_blocks where store_id = %s order by number", tenant)
    assert [block["number"] for block in blocks] == [1, 2]
    assert blocks[1]["previous_hash"] == blocks[0]["hash"]


def test_sealing_leaves_no_entry_of_its_own(sql: Sql) -> None:
    tenant = a_tenant()

    sealed(tenant, 1)

    assert len(sql("select 1 from audit_entries where store_id = %s", tenant)) == 1


def test_a_block_has_a_thousand_entries_at_most_and_asks_for_the_rest(sql: Sql) -> None:
    tenant = a_tenant()
    change(tenant, MOST + 1)

    with queues_noted() as sent:
        take_with_kicks(tenant)
        take_with_kicks(tenant)

    counts = sql("select row_count from audit_blocks where store_id = %s order by number", tenant)
    assert [row["row_count"] for row in counts] == [MOST, 1]
    assert sent == [(audit.QUEUE, tenant)]


def test_of_two_sealers_at_once_one_was_in_vain(sql: Sql) -> None:
    tenant = a_tenant()
    change(tenant, 2)
    keys = sealing_keys()
    with database.transaction(tenant) as session:
        first = sealing.claim(session, key_version=1)
    change(tenant, 1)
    with database.transaction(tenant) as session:
        second = sealing.claim(session, key_version=1)
    assert first is not None
    assert second is not None

    with database.transaction(tenant) as session:
        assert sealing.append(session, second, sealing.sign(second, keys))
    with database.transaction(tenant) as session:
        assert not sealing.append(session, first, sealing.sign(first, keys))

    [block] = sql("select number, row_count from audit_blocks where store_id = %s", tenant)
    assert block == {"number": 1, "row_count": 3}
    assert verified(tenant) == []


def test_what_commits_while_a_block_is_sealed_waits_for_the_next(sql: Sql) -> None:
    tenant = a_tenant()
    with database.transaction(tenant, principal=TEST) as slow:
        audit.record(slow, action="thing.counted", entity="thing", entity_id=tenant, after={"count": 1})
        slow.flush()
        sealed(tenant, 1)
    sealed(tenant)

    counts = sql("select row_count from audit_blocks where store_id = %s order by number", tenant)
    assert [row["row_count"] for row in counts] == [1, 1]
    assert verified(tenant) == []


def test_what_is_critical_is_sealed_right_after_its_commit_and_the_rest_by_the_minute() -> None:
    calm, hasty = a_tenant(), a_tenant()

    with queues_noted() as sent, kicking():
        change(calm, severity="notice")
        at_once = list(sent)
        change(hasty, 2, severity="critical")
        after = list(sent)
        sweep_unsealed.handler(events.schedule_event("audit-sweep-unsealed"), None)

    assert at_once == []
    assert after == [(audit.QUEUE, hasty)]
    assert {(audit.QUEUE, calm), (audit.QUEUE, hasty)} <= set(sent[1:])


def test_how_long_the_oldest_entry_is_unprotected_is_known(sql: Sql) -> None:
    sql("delete from unsealed_entries")  # what other tests left waiting
    with database.transaction() as session:
        none = sealing.longest_wait(session).total_seconds()
    tenant = a_tenant()
    change(tenant)

    with database.transaction() as session:
        some = sealing.longest_wait(session).total_seconds()

    assert none == 0
    assert 0 < some < 60


def test_sealing_takes_three_statements_and_a_change_none_more(watch: Watch) -> None:
    tenant = a_tenant()
    mark = len(watch.statements)
    change(tenant)
    written = watch.count_since(mark)
    mark = len(watch.statements)

    sealed(tenant)

    assert written == 1
    assert watch.count_since(mark) == 3


def test_the_application_can_add_blocks_and_never_change_or_remove_one(sql: Sql) -> None:
    rights = sql(
        "select privilege_type::text as may from information_schema.role_table_grants "
        "where grantee = 'stormcom_app' and table_name in ('audit_blocks', 'audit_archives')"
    )

    assert {row["may"] for row in rights} == {"SELECT", "INSERT"}


def test_a_trail_of_numbers_that_postgresql_writes_otherwise_is_still_whole() -> None:
    tenant = a_tenant()
    after = {"large": 1e16, "small": 1e-7, "half": 0.5, "none": -0.0, "text": "চা \u2028", "list": [1.0, {"x": 2e3}]}
    change(tenant, before={}, after=after)

    sealed(tenant)

    assert named(verified(tenant)) == []


def take_with_kicks(tenant: UUID) -> None:
    with kicking():
        assert take(seal.seal, tenant)


def kicking() -> AbstractContextManager[object]:
    return use_settings(kick=True)
