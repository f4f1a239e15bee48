"""Kills the sealer, the keeper of heads and the archiver at every step, and sees what the next one makes of it.

A process of its own, for `test_kills.py`: `python -m tests.audit.killing SUPERUSER_URL [planted]`, JSON out. Each step
that a worker makes towards PostgreSQL (before, sent, answered), the key and the vault is one at which a forked child
dies by SIGKILL; then the message is given out again. A chain must be the very same, byte by byte, as without the kill.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from functions.audit import archive, keep_head, seal
from shared.audit import archives, heads, rows, sealing
from shared.audit.sealing_keys import FileKeys
from shared.audit.vault import vault
from shared.audit.vault_files import FileVault
from shared.core import clock
from shared.core.consumers import Consumer
from tests.audit.trail import a_past_month, a_tenant, backdated, behind, change, sealed, take, verified
from tests.database import Database, Sql
from tests.proof.kills_steps import die_at, steps, watch_the_wire, watched

_BLOCKS = (
    "select b::text as row from audit_blocks b where store_id = %s union all "
    "select u::text from unsealed_entries u where store_id = %s order by 1"
)


@dataclass(frozen=True)
class Act:
    """What a worker does with a tenant that is ready for it, and what can be seen of it afterwards."""

    name: str
    consumer: Consumer
    facts: Callable[[Sql, UUID], Any]


def main(superuser_url: str, *planted: str) -> None:
    """Kill each worker at each of its steps; print what came of it. `planted`: with a sealer that forgets too early."""
    watch_the_wire()
    if planted:
        forget_too_early()
    for kind, name in ((FileKeys, "mac"), (FileVault, "put_new"), (FileVault, "open")):
        setattr(kind, name, watched(name, getattr(kind, name)))
    with behind(Database("", "", superuser_url)) as sql, clock.frozen(clock.now()):
        told = [_sealer(sql), *(_tried(sql, act) for act in (_ARCHIVER, _KEEPER))]
    sys.stdout.write(json.dumps(told))


def forget_too_early() -> None:
    """Make the sealer forget what waits when it drafts a block, and not when the block is there."""
    claim = sealing.claim

    def hasty(session: Session, *, key_version: int) -> sealing.Draft | None:
        draft = claim(session, key_version=key_version)
        session.execute(text("delete from unsealed_entries"))
        return draft

    sealing.claim = hasty


def _sealer(sql: Sql) -> dict[str, Any]:
    """Seal the same entries after the same block again and again, killed at another step each time."""
    tenant = a_tenant()
    sealed(tenant, 2)
    change(tenant, 3)
    waiting = [row["id"] for row in sql("select id from unsealed_entries where store_id = %s", tenant)]
    with steps.counted() as trail:
        assert take(seal.seal, tenant)
    wanted = sql(_BLOCKS, tenant, tenant)
    different = []
    for step in range(len(trail)):
        sql("delete from audit_blocks where store_id = %s and number > 1", tenant)
        sql("delete from unsealed_entries where store_id = %s", tenant)
        for entry_id in waiting:
            sql("insert into unsealed_entries (store_id, id) values (%s, %s)", tenant, entry_id)
        death = die_at(step, lambda: take(seal.seal, tenant))
        assert take(seal.seal, tenant)
        if sql(_BLOCKS, tenant, tenant) != wanted or verified(tenant) or death.killed_at != trail[step]:
            different.append(f"step {step}: {trail[step]}, killed at {death.killed_at}")
    return {"name": "sealer", "kills": len(trail), "different": different, "blocks": len(wanted)}


def _tried(sql: Sql, act: Act) -> dict[str, Any]:
    """Let a worker do its work for one tenant after the other, killed at another step each time."""
    tenant = _ready(sql)
    with steps.counted() as trail:
        assert take(act.consumer, tenant)
    wanted, different = act.facts(sql, tenant), []
    for step in range(len(trail)):
        tenant = _ready(sql)
        death = die_at(step, lambda ready=tenant: take(act.consumer, ready))  # type: ignore[misc]  # its own tenant
        assert take(act.consumer, tenant)
        assert take(act.consumer, tenant)
        found = act.facts(sql, tenant)
        if found != wanted or verified(tenant) or death.killed_at != trail[step]:
            different.append(f"step {step}: {trail[step]}, killed at {death.killed_at}: {found} instead of {wanted}")
    return {"name": act.name, "kills": len(trail), "different": different}


def _ready(sql: Sql) -> UUID:
    tenant, now = a_tenant(), clock.now()
    month = rows.following(date(now.year, now.month, 1), -8)
    a_past_month(sql, month)
    backdated(sql, tenant, month, 3)
    sealed(tenant)
    return tenant


def _archived(sql: Sql, tenant: UUID) -> Any:
    kept = sql("select part, row_count from audit_archives where store_id = %s order by part", tenant)
    return [kept, len(list(vault().keys(archives.folder(tenant))))]


def _kept(_sql: Sql, tenant: UUID) -> Any:
    return [key.rpartition("/")[2] for key in vault().keys(heads.folder(tenant))]


_ARCHIVER = Act("archiver", archive.archive, _archived)
_KEEPER = Act("keeper of heads", keep_head.keep_head, _kept)


if __name__ == "__main__":
    main(*sys.argv[1:])
