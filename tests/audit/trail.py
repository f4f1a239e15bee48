"""A tenant's trail for tests: make entries, seal them, keep the head, verify, by the very functions that run."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from functions.audit import archive, keep_head, seal
from infra.local import events
from shared.audit import rows
from shared.audit.sealing_keys import sealing_keys
from shared.audit.vault import vault
from shared.audit.verification import Checkpoint, Finding, Verification
from shared.core import audit, database, driver, ids, queues
from shared.core.consumers import Consumer
from shared.core.principal import Principal
from tests.database import Database, Sql

TEST = Principal(kind="system", id="test")

type Sent = list[tuple[str, UUID]]


@contextmanager
def queues_noted() -> Iterator[Sent]:
    """Note what is sent to queues, instead of sending it."""
    noted: Sent = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]], *, delay: int = 0) -> None:
        assert delay == 0
        noted.extend((queue, UUID(body["store_id"])) for body in bodies)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queues, "send", send)
        yield noted


@contextmanager
def behind(database: Database) -> Iterator[Sql]:
    """Look behind the application's back into a database that is not the worker's."""
    with driver.connect_to(database.superuser_url) as connection:
        connection.autocommit = True

        def run(statement: str, *args: object) -> list[dict[str, Any]]:
            cursor = connection.cursor()
            cursor.execute(statement, args)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []

        yield run


def a_tenant() -> UUID:
    """Return a tenant that has nothing yet, not even a row of its own: a chain needs none."""
    return ids.new_id()


def change(tenant: UUID, times: int = 1, **facts: Any) -> list[UUID]:
    """Leave entries, all in one transaction; return what they speak of."""
    told: dict[str, Any] = {"action": "thing.counted", "entity": "thing", "before": {"count": 0}, "after": {"count": 1}}
    things = [ids.new_id() for _ in range(times)]
    with database.transaction(tenant, principal=TEST) as session:
        for thing in things:
            audit.record(session, entity_id=thing, **{**told, **facts})
    return things


def take(consumer: Consumer, tenant: UUID) -> bool:
    """Give a consumer a tenant's message, as SQS does; return whether it took it."""
    event = events.sqs_event(consumer.declared.queue, [json.dumps({"store_id": str(tenant)})])
    failed = consumer.handler(event, events.context(consumer.declared.queue))
    return failed == {"batchItemFailures": []}


def sealed(tenant: UUID, *changes: int) -> None:
    """Leave so many entries and seal them, block by block; without any, seal what waits."""
    for times in changes or (0,):
        if times:
            change(tenant, times)
        assert take(seal.seal, tenant)


def head_kept(tenant: UUID) -> None:
    """Keep the head of the chain in the vault."""
    assert take(keep_head.keep_head, tenant)


def archived(tenant: UUID) -> None:
    """Archive the next part of what is past its time."""
    assert take(archive.archive, tenant)


def verified(tenant: UUID, *, checkpoint: Checkpoint | None = None) -> list[Finding]:
    """Verify the whole trail, and return what is wrong with it."""
    verification = Verification(tenant, keys=sealing_keys(), vault=vault())
    return [found for page in verification.pages(checkpoint or Checkpoint()) for found in page.findings]


def named(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return what findings name, shortly."""
    return [(one.code.value, one.subject) for one in findings]


def a_past_month(sql: Sql, month: date) -> None:
    """Give a past month its partition, as it had when it was the present one."""
    first, ending = rows.bounds(month)
    name = f"audit_entries_{month:%Y_%m}"
    sql(
        f"create table if not exists {name} partition of audit_entries for values from ('{first}') to ('{ending}')",
    )
    sql(f"alter table {name} owner to stormcom_owner")


def backdated(sql: Sql, tenant: UUID, month: date, times: int) -> list[UUID]:
    """Leave entries as if they had been made in the first milliseconds of a month; they wait for the sealer."""
    first = rows.bounds(month)[0].int >> 80
    made = []
    for number in range(times):
        entry_id = UUID(int=(first + number) << 80 | 7 << 76 | 2 << 62 | ids.new_id().int & (1 << 60) - 1)
        row: dict[str, Any] = {
            "store_id": str(tenant),
            "id": str(entry_id),
            "at": rows.moment_of(entry_id).isoformat(),
            "actor_kind": "system",
            "actor_id": "test",
            "action": "thing.counted",
            "entity": "thing",
            "entity_id": str(ids.new_id()),
            "before": {"count": number},
            "after": {"count": number + 1},
            "severity": "info",
            "correlation_id": "past",
            "request_id": None,
            "ip": None,
            "user_agent": None,
        }
        insert_row(sql, {**row, "row_hash": audit.row_hash(row)})
        sql("insert into unsealed_entries (store_id, id) values (%s, %s)", tenant, entry_id)
        made.append(entry_id)
    return made


def insert_row(sql: Sql, row: Mapping[str, Any]) -> None:
    """Insert an entry behind the application's back."""
    json_of = {name: json.dumps(row[name]) for name in ("before", "after") if row[name] is not None}
    names, marks = ", ".join(row), ", ".join("%s" for _ in row)
    sql(f"insert into audit_entries ({names}) values ({marks})", *{**row, **json_of}.values())
