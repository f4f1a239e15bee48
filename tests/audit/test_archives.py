"""Archives: old months go to the vault part by part, and out of the log when all of it is there, and not before."""

import gzip
import io
import json
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest

from functions.audit import sweep_archives
from infra.local import events
from shared.audit import archives, retention, rows
from shared.audit.archives import ArchiveSpoiled, NotSealedYet
from shared.audit.vault import vault
from shared.core import clock, database, ids
from shared.core.settings import use_settings
from tests.audit.trail import (
    a_past_month,
    a_tenant,
    archived,
    backdated,
    behind,
    head_kept,
    named,
    queues_noted,
    sealed,
    verified,
)
from tests.database import Database, FreshDatabases, Sql

pytestmark = pytest.mark.usefixtures("application")


def past(months: int) -> date:
    """Return the first day of the month so many before this one."""
    now = clock.now()
    return rows.following(date(now.year, now.month, 1), -months)


OLD = 8


@pytest.fixture
def own(fresh_database: FreshDatabases) -> Iterator[Sql]:
    """Let the application use a database of this test's own, and look behind its back there."""
    made: Database = fresh_database.migrated()
    with use_settings(database_url=made.app_url), behind(made) as sql:
        yield sql
        database.engine().dispose()


def old_entries(sql: Sql, tenant: UUID, times: int, *, months: int = OLD) -> list[UUID]:
    a_past_month(sql, past(months))
    made = backdated(sql, tenant, past(months), times)
    sealed(tenant)
    return made


def sweep() -> list[tuple[str, UUID]]:
    with queues_noted() as sent:
        sweep_archives.handler(events.schedule_event("audit-sweep-archives"), None)
    return sent


def partitions(sql: Sql) -> set[str]:
    return {
        str(row["name"])
        for row in sql("select relname::text as name from pg_class where relname ~ '^audit_entries_[0-9_]{7}$'")
    }


def test_an_old_month_is_archived_dropped_and_still_verified(own: Sql) -> None:
    tenant, other = a_tenant(), a_tenant()
    made = old_entries(own, tenant, 5)
    old_entries(own, other, 2)
    sealed(tenant, 3)
    name = f"audit_entries_{past(OLD):%Y_%m}"

    first = sweep()
    archived(tenant)
    second = sweep()
    there = partitions(own)
    archived(other)
    third = sweep()

    assert sorted(first) == sorted((archives.QUEUE, one) for one in (tenant, other))
    assert sorted(second) == sorted(first)  # it is one tenant's entries that keep the month
    assert name in there
    assert third == []
    assert name not in partitions(own)
    assert own("select 1 from audit_entries where id = any(%s::uuid[])", made) == []
    assert named(verified(tenant)) == []
    assert named(verified(other)) == []


def test_an_archive_holds_each_entry_as_it_was_hashed(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST", 2)
    tenant = a_tenant()
    made = old_entries(sql, tenant, 5)

    for _ in range(4):
        archived(tenant)

    kept = sql("select part, row_count, size, sha256 from audit_archives where store_id = %s order by part", tenant)
    keys = list(vault().keys(archives.folder(tenant)))
    lines = []
    for key in keys:
        with vault().open(key) as file:
            lines += gzip.decompress(file.read()).splitlines()
    assert [(row["part"], row["row_count"]) for row in kept] == [(1, 2), (2, 2), (3, 1)]
    assert [json.loads(line)["id"] for line in lines] == [str(one) for one in made]
    assert all(rows.hash_of(json.loads(line)).hex() == json.loads(line)["row_hash"] for line in lines)


def test_what_is_not_sealed_is_not_archived(sql: Sql) -> None:
    tenant = a_tenant()
    a_past_month(sql, past(OLD))
    backdated(sql, tenant, past(OLD), 1)

    with pytest.raises(NotSealedYet), database.transaction(tenant) as session:
        archives.next_part(session)

    assert sql("select 1 from audit_archives where store_id = %s", tenant) == []


def test_a_month_stays_while_it_is_hot_whoever_asks(own: Sql) -> None:
    tenant = a_tenant()
    old_entries(own, tenant, 1, months=6)  # the sixth month before this one has not been out of time for six months yet

    assert sweep() == []
    with pytest.raises(Exception, match="is not to be dropped now"), database.transaction() as session:
        retention.drop_if_archived(session, past(6))
    with database.transaction(tenant) as session:
        assert archives.next_part(session) is None


def test_two_workers_at_once_and_one_that_died_before_it_settled_make_one_archive(sql: Sql) -> None:
    tenant = a_tenant()
    old_entries(sql, tenant, 3)
    with database.transaction(tenant) as session:
        first = archives.next_part(session)
    assert first is not None
    archives.keep(first, vault())  # here it died, or the other one came

    archived(tenant)
    kept = archives.keep(first, vault())
    with database.transaction(tenant) as session:
        archives.settle(session, first, kept)

    assert len(sql("select 1 from audit_archives where store_id = %s", tenant)) == 1
    assert len(list(vault().keys(archives.folder(tenant)))) == 1


def test_what_lies_in_the_vault_and_is_something_else_is_never_taken_for_the_archive(own: Sql) -> None:
    tenant = a_tenant()
    old_entries(own, tenant, 2)
    with database.transaction(tenant) as session:
        part = archives.next_part(session)
    assert part is not None
    forged = gzip.compress(json.dumps({"id": "forged"}).encode())
    vault().put_new(part.key, io.BytesIO(forged), until=clock.now())

    with pytest.raises(ArchiveSpoiled, match="holds something else"):
        archives.keep(part, vault())

    assert own("select 1 from audit_archives") == []
    assert sweep() == [(archives.QUEUE, tenant)]


def test_a_row_that_was_slipped_into_an_archived_month_keeps_it_from_being_dropped(own: Sql) -> None:
    tenant = a_tenant()
    old_entries(own, tenant, 2)
    archived(tenant)
    slipped = backdated(own, tenant, past(OLD), 1)
    own("delete from unsealed_entries")

    assert sweep() == [(archives.QUEUE, tenant)]
    assert ("entry_unsealed", slipped[0]) in [(one.code.value, _id(one.subject)) for one in verified(tenant)]


def test_an_archive_that_was_altered_or_removed_names_the_very_entries(own: Sql) -> None:
    tenant = a_tenant()
    made = old_entries(own, tenant, 4)
    archived(tenant)
    sweep()
    [key] = vault().keys(archives.folder(tenant))
    file = vault()._folder / key  # type: ignore[attr-defined]  # whoever owns the machine can
    lines = gzip.decompress(file.read_bytes()).splitlines()
    file.chmod(0o600)

    file.write_bytes(gzip.compress(b"\n".join([lines[0], lines[1].replace(b'"count": 2', b'"count": 3'), lines[3]])))
    altered = {_id(one.subject): one.code.value for one in verified(tenant)}
    file.unlink()
    removed = {_id(one.subject): one.code.value for one in verified(tenant)}

    assert altered == {made[1]: "entry_altered", made[2]: "entry_missing"}
    assert removed == dict.fromkeys(made, "entry_missing")


def test_what_is_past_its_keeping_is_not_missed(own: Sql) -> None:
    tenant = a_tenant()
    made = old_entries(own, tenant, 2, months=26)
    head_kept(tenant)
    own("delete from audit_entries where id = any(%s::uuid[])", made)

    assert named(verified(tenant)) == []


def test_the_verifier_and_the_database_have_the_same_rule(sql: Sql) -> None:
    [rule] = sql("select * from upkeep.retention where dataset = 'audit'")

    assert (rule["hot_months"], rule["kept_months"], rule["log"]) == (6, retention.KEPT_MONTHS, "audit_entries")


def _id(subject: str) -> UUID:
    return ids.decode("audit", subject)
