"""What the audit trail costs: a purchase with it beside one without, and how long sealing and verifying take.

Purchases come in pairs, one of each, the first of a pair in turn with and without: whatever else the machine does meets
both alike. Without: nothing is recorded, and what is written with the commit has no entries and nothing that waits.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock
from uuid import UUID

from sqlalchemy import text

from shared.audit import sealing
from shared.audit.models import MOST
from shared.audit.sealing_keys import FileKeys
from shared.audit.vault_files import FileVault
from shared.audit.verification import Checkpoint, Verification
from shared.core import audit, database, ids, records
from shared.core.principal import Principal
from tests.bench import acts, workloads
from tests.bench.purchase import Times
from tests.bench.table import Cell, percentile, show
from tests.bench.world import World

GOAL = 1.15
_WARM = 40  # purchases of each kind before it counts
_ENTRIES = 5 * MOST


def show_audit(world: World, seconds: float) -> None:
    """Measure pairs of purchases for so many seconds, then sealing and verifying; print both."""
    load = workloads.acting(world.stores, acts.PURCHASE)
    walls: dict[bool, list[float]] = {True: [], False: []}

    cpus: dict[bool, float] = {True: 0.0, False: 0.0}

    def buy(*, audited: bool) -> float:
        times = Times()
        if audited:
            load.round_of(times)
        else:
            with _unaudited():
                load.round_of(times)
        cpus[audited] += times.cpus[load.whole] * 1000
        return times.walls[load.whole][0] * 1000

    for _ in range(_WARM):
        buy(audited=True), buy(audited=False)
    cpus.update({True: 0.0, False: 0.0})
    end, first = time.monotonic() + 2 * seconds, True
    while time.monotonic() < end:
        for audited in (first, not first):
            walls[audited].append(buy(audited=audited))
        first = not first
    ratios = [one / other for one, other in zip(walls[True], walls[False], strict=True)]
    having, lacking = (_figures(walls[audited], cpus[audited]) for audited in (True, False))
    rows: list[list[Cell]] = [
        ["with audit", len(walls[True]), *having],
        ["without", len(walls[False]), *lacking],
        ["ratio", None, *(one / other for one, other in zip(having, lacking, strict=True))],
    ]
    show(
        "A purchase with audit and without, in alternating pairs",
        ("in process, ms", "purchases", "p50", "p95", "mean", "CPU"),
        rows,
        f"Goal: a ratio of {GOAL}. The middle of the pairs' own ratios: {statistics.median(ratios):.3f}.",
        "A purchase is four calls; sealing comes later, in a process of its own.",
    )
    _show_sealing()


def _figures(walls: list[float], cpu: float) -> list[float]:
    return [percentile(walls, 0.5), percentile(walls, 0.95), statistics.fmean(walls), cpu / len(walls)]


def _show_sealing() -> None:
    tenant, keys = ids.new_id(), FileKeys({1: b"k" * 32}, current=1)
    for _ in range(_ENTRIES // MOST):
        with database.transaction(tenant, principal=Principal(kind="system", id="bench")) as session:
            for _ in range(MOST):
                audit.record(session, action="thing.counted", entity="thing", entity_id=tenant, after={"count": 1})
    sealing_ms = _timed(lambda: _seal(tenant, keys))
    with tempfile.TemporaryDirectory() as folder:
        verification = Verification(tenant, keys=keys, vault=FileVault(Path(folder) / "vault"))
        findings: list[object] = []
        verifying_ms = _timed(
            lambda: findings.extend(found for page in verification.pages(Checkpoint()) for found in page.findings)
        )
    assert findings == []
    show(
        f"Sealing and verifying {_ENTRIES:,} entries of one tenant",
        ("one process", "ms", "entries a second"),
        [
            ["seal, blocks of 1,000", sealing_ms, _ENTRIES / sealing_ms * 1000],
            ["verify", verifying_ms, _ENTRIES / verifying_ms * 1000],
        ],
        "By a key in a file; KMS adds one call a block to each.",
    )


def _seal(tenant: UUID, keys: FileKeys) -> None:
    while True:
        with database.transaction(tenant) as session:
            draft = sealing.claim(session, key_version=1)
        if draft is None:
            return
        with database.transaction(tenant) as session:
            sealing.append(session, draft, sealing.sign(draft, keys))


def _timed(act: Callable[[], None]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def _record_nothing(*_: object, **__: object) -> None:
    """Record nothing."""


@contextmanager
def _unaudited() -> Iterator[None]:
    """Let nothing be recorded, for the block: neither gathered, nor hashed, nor written."""
    with (
        mock.patch.object(audit, "record", _record_nothing),
        mock.patch.object(records, "_WRITE", _BARE),
        mock.patch.object(records, "has_changes", return_value=False),  # or the route class would miss the entries
    ):
        yield


# What is written with a commit, as far as events go.
_BARE = text(
    records._WRITE.text.partition("), queued as (")[0]
    + ") insert into outbox (store_id, id, recorded_at) select :store_id, id, :at from event"
)
