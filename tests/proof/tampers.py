"""Tampers: an audit trail is altered in a thousand ways with the owner's rights, and each is found and named.

One trail of sixteen blocks, whose first month is archived and dropped; after each tamper it is verified whole, by what
`/audit/verifications` runs, and put back. What counts is that the very row or block is named.
"""

import base64
import json
import os
import re
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from uuid import UUID

from functions.audit import sweep_archives
from infra.local import events, postgres
from shared.audit import archives, reading, rows
from shared.audit.vault import vault
from shared.audit.verification import Finding
from shared.core import clock, database, ids, settings
from shared.core.settings import use_settings
from tests.audit.trail import (
    a_past_month,
    a_tenant,
    archived,
    backdated,
    behind,
    head_kept,
    queues_noted,
    sealed,
    verified,
)
from tests.database import Database, Server, Sql
from tests.proof.report import Figures
from tests.proof.tampers_kinds import KINDS, Named, Trail

GOAL = 1000
_MONTHS_AGO = 9  # past its time in the log, and within its time in the archives
_SIZES = (3, 1, 7, 2, 12, 5, 1, 4, 9, 2, 30, 1, 6, 3, 8)  # of the blocks after the archived one
_SAVED = ("audit_entries", "audit_blocks")
_RANGE = re.compile(r"blocks? (\d+)(?: to (\d+))?")


@dataclass
class Found:
    """What the tampers came to."""

    tampers: Counter[str] = field(default_factory=Counter)  # by kind
    missed: list[str] = field(default_factory=list)  # where what was tampered with was not named

    @property
    def named(self) -> int:
        """How many were named."""
        return self.tampers.total() - len(self.missed)


def run(seed: int) -> Figures:
    """Tamper a thousand times."""
    os.environ["POWERTOOLS_LOG_LEVEL"] = "WARNING"
    with tempfile.TemporaryDirectory(prefix="stormcom-tampers-") as name, ExitStack() as ending:
        folder = Path(name)
        cluster = ending.enter_context(postgres.Cluster(folder / "postgres", durable=False))
        server = Server(cluster.url(postgres.SUPERUSER, "postgres"), run="tampers", cluster=cluster)
        server.prepare()
        found = tampered(server.create_migrated("stormcom_test_tampers"), folder, seed=seed, times=GOAL)
    facts = {"tampers": found.tampers.total(), "found and named": found.named, "kinds": len(found.tampers)}
    ok = found.named == GOAL and len(found.tampers) == len(KINDS)
    return Figures("tampers", facts, ok=ok, notes=found.missed[:20])


def tampered(made: Database, folder: Path, *, seed: int, times: int) -> Found:
    """Tamper so often with a trail of its own database, each kind in its turn, and verify after each."""
    found = Found()
    with _application(made, folder), behind(made) as sql:
        trail = _trail(sql)
        assert verified(trail.tenant) == []
        untouched = trail.archive.read_bytes()
        trail.archive.chmod(0o600)
        for number in range(times):
            tamper, dice = KINDS[number % len(KINDS)], Random(f"{seed} {number}")
            wanted = tamper(trail, dice)
            findings = verified(trail.tenant)
            found.tampers[tamper.__name__] += 1
            if not any(_names(one, wanted) for one in findings):
                told = ", ".join(f"{one.code} {one.subject}" for one in findings[:5]) or "nothing"
                found.missed.append(f"seed {seed}, number {number}, {tamper.__name__}: {told} instead of {wanted}")
            _put_back(sql)
            trail.archive.write_bytes(untouched)
        assert verified(trail.tenant) == []
    return found


@contextmanager
def _application(made: Database, folder: Path) -> Iterator[None]:
    """Set the process up as the sealer is, over a database and a folder."""
    keys = json.dumps({"current": 1, "keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()}})
    for name in ("keys.json", "audit-key.json"):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(keys)
    told = {"database_url": made.app_url, "keys": f"file:{folder / 'keys.json'}", "channel": "local"}
    try:
        with use_settings(**told, local_dir=folder, kick=False, audit_key=f"file:{folder / 'audit-key.json'}"):
            yield
    finally:
        database.dispose()
        settings.reload()


def _trail(sql: Sql) -> Trail:
    tenant, stranger = a_tenant(), a_tenant()
    now = clock.now()
    month = rows.following(date(now.year, now.month, 1), -_MONTHS_AGO)
    a_past_month(sql, month)
    backdated(sql, tenant, month, 6)
    sealed(tenant, 1)
    archived(tenant)
    with queues_noted():
        sweep_archives.handler(events.schedule_event("audit-sweep-archives"), None)
    sealed(tenant, *_SIZES)
    sealed(stranger, 2)
    head_kept(tenant)
    # Whoever owns the tables can drop their checks, and is not to be stopped by them.
    for check in ("rows_add_up", "number_from_one"):
        sql(f"alter table audit_blocks drop constraint audit_blocks_{check}")
    for table in _SAVED:
        sql(f"create table saved_{table} as select * from {table}")
    with database.transaction(tenant) as session:
        blocks = reading.blocks_after(session, 0, most=100)
    there = sql("select id from audit_entries where store_id = %s", tenant)
    [key] = vault().keys(archives.folder(tenant))
    archive = settings.settings().local_dir / "objects" / "audit" / key
    return Trail(tenant, stranger, sql, tuple(blocks), tuple(sorted(row["id"] for row in there)), archive)


def _put_back(sql: Sql) -> None:
    for table in _SAVED:
        sql(f"delete from {table}")
        sql(f"insert into {table} select * from saved_{table}")


def _names(finding: Finding, wanted: Named) -> bool:
    if found := _RANGE.fullmatch(finding.subject):
        first, last = int(found[1]), int(found[2] or found[1])
        return any(kind == "block" and first <= int(which) <= last for kind, which in wanted)
    return ("entry", _entry(finding.subject)) in wanted


def _entry(subject: str) -> UUID | None:
    return ids.decode("audit", subject) if subject.startswith("audit_") else None
