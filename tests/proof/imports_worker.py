"""One process that imports a file undisturbed, and then again under SIGKILL, and tells what differs.

A process of its own, since only one without threads may fork and go on; the environment is a function's. The plan comes
as one line of JSON on stdin: `{"rows": 2000, "kills": 5, "seed": 7, "superuser_url": "...", "into": "..."}`. Each
worker is a child that runs the very handler that Lambda calls; what its parent does instead of waiting is to end the
lease of one that was killed.
"""

import gc
import hashlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from functions.imports import export, run
from infra.local import events
from shared.core import database, driver, ids, storage
from shared.core.storage import Bucket
from tests.factories import StoreUnderTest, a_store
from tests.imports.catalogs import catalog
from tests.imports.files import Imported, started

_FACTS = """
select (select json_object_agg(type, n) from (select type, count(*) n from domain_events
            where store_id = %s and entity in ('product', 'variant', 'stock') group by type) e),
       (select count(*) from inventory_adjustments where store_id = %s),
       (select count(*) from audit_entries where store_id = %s and entity in ('product', 'variant')),
       (select json_agg(json_build_array(line, code, subject) order by line, code, subject) from job_findings
            where store_id = %s)
"""


@dataclass
class Found:
    """What came of it."""

    seconds: float = 0.0  # of the undisturbed import
    rows: int = 0
    peak_kib: int = 0  # resident memory of its worker
    again_seconds: float = 0.0  # of the same file once more
    export_seconds: float = 0.0
    export_peak_kib: int = 0
    kills: int = 0
    workers: int = 0  # that the disturbed import took
    notes: list[str] = field(default_factory=list)


def main() -> None:
    """Read the plan, carry it out, write what was found."""
    plan = json.loads(sys.stdin.readline())
    sys.stdin.close()
    found = _carry_out(plan)
    Path(plan["into"]).write_text(json.dumps(vars(found)))


def _carry_out(plan: dict[str, Any]) -> Found:
    rows, seed, kills = int(plan["rows"]), int(plan["seed"]), int(plan["kills"])
    found = Found()
    calm = a_store()
    undisturbed = started(calm, catalog(rows, seed))
    found.seconds, found.peak_kib = _undisturbed(calm, run.handler)
    job = undisturbed.job
    found.rows = job["counts"]["rows"]
    if job["status"] != "succeeded":
        found.notes.append(f"the undisturbed import has {job['status']}: {job['failure']}")
        return found
    if plan.get("again"):
        second = started(calm, catalog(rows, seed))
        found.again_seconds, _ = _undisturbed(calm, run.handler)
        if second.counted("created", "updated") != (0, 0):
            found.notes.append(f"the same file once more changed something: {second.job['counts']}")
    digest, found.export_seconds, found.export_peak_kib = _exported(calm)
    if kills:
        facts = _facts(plan["superuser_url"], calm) if not plan.get("again") else None
        _disturb(plan, found, _Calm(digest, facts, job["counts"]))
    return found


@dataclass(frozen=True)
class _Calm:
    """What the undisturbed import came to."""

    digest: str
    facts: Any  # None: not to be compared
    counts: Any


def _disturb(plan: dict[str, Any], found: Found, calm: _Calm) -> None:
    rows, seed, kills = int(plan["rows"]), int(plan["seed"]), int(plan["kills"])
    random = Random(seed)
    store = a_store()
    disturbed = started(store, catalog(rows, seed))
    mean = found.seconds / kills * 0.4  # also on a machine that is less busy than before
    while disturbed.job["status"] in ("queued", "running"):
        found.workers += 1
        alive = found.kills >= kills
        child = _worker(store, run.handler)
        if alive:
            os.waitpid(child, 0)
        else:
            time.sleep(random.uniform(0.0, 2 * mean))
            found.kills += _kill(child)
        _end_the_lease(plan["superuser_url"], store)
        if found.workers > kills * 4 + 20:
            found.notes.append("the disturbed import does not come to its end")
            break
    found.notes += _differences(disturbed, _exported(store)[0], calm)
    if calm.facts is not None and (facts := _facts(plan["superuser_url"], store)) != calm.facts:
        told = f"{str(calm.facts)[:400]} {str(facts)[:400]}"
        found.notes.append(f"events, adjustments, entries or findings differ: {told}")
    if found.kills < kills:
        found.notes.append(f"the import was over after {found.kills} kills")


def _differences(disturbed: Imported, digest: str, calm: _Calm) -> list[str]:
    job = disturbed.job
    notes = [] if job["status"] == "succeeded" else [f"the disturbed import has {job['status']}: {job['failure']}"]
    if job["counts"] != calm.counts:
        notes.append(f"counts differ: {calm.counts} undisturbed, {job['counts']} disturbed")
    if digest != calm.digest:
        notes.append("the products differ")
    return notes


def _undisturbed(store: StoreUnderTest, handler: Any) -> tuple[float, int]:
    """Let workers work until the queue is empty; return the seconds, and the highest memory of one in KiB."""
    begun, peak = time.perf_counter(), 0
    while _has_work(store):
        _, status, usage = os.wait4(_worker(store, handler), 0)
        assert status == 0, f"A worker ended with {status}."
        peak = max(peak, usage.ru_maxrss)
    return time.perf_counter() - begun, peak


def _has_work(store: StoreUnderTest) -> bool:
    return bool(store.merchant.get("/jobs?status[in]=queued,running&limit=1").json()["data"])


def _worker(store: StoreUnderTest, handler: Any) -> int:
    """Start a worker, as Lambda does when a message comes; return its process."""
    database.dispose()
    gc.collect()
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        body = json.dumps({"store_id": str(store.id)})
        answer = handler(events.sqs_event("jobs", [body]), events.context("worker"))
        code = 0 if answer == {"batchItemFailures": []} else 2
    finally:
        os._exit(code)


def _kill(child: int) -> int:
    """Kill a worker; return 1 if it was still at work."""
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return int(os.WIFSIGNALED(status))


def _end_the_lease(superuser_url: str, store: StoreUnderTest) -> None:
    with driver.connect_to(superuser_url) as connection:
        connection.cursor().execute(
            "update jobs set due_at = now() - interval '1 second' where store_id = %s and due_at is not null",
            (store.id,),
        )
        connection.commit()


def _exported(store: StoreUnderTest) -> tuple[str, float, int]:
    answer = store.merchant.post("/exports", json={"format": "shopify_csv"})
    assert answer.status_code == 201, answer.text
    seconds, peak = _undisturbed(store, export.handler)
    key = storage.key_of(store.id, "exports", f"{ids.decode('job', answer.json()['id'])}.csv")
    digest = hashlib.sha256()
    with storage.objects().open(Bucket.UPLOADS, key) as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest(), seconds, peak


def _facts(superuser_url: str, store: StoreUnderTest) -> Any:
    with driver.connect_to(superuser_url) as connection:
        cursor = connection.cursor()
        cursor.execute(_FACTS, (store.id,) * 4)
        return cursor.fetchone()


if __name__ == "__main__":
    main()
