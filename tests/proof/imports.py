"""Imports: a file of 100,000 rows, undisturbed and then killed at random moments, which must come to the same.

The same products, to the byte of their export; the same counts, findings, events, adjustments and entries.
"""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from infra.local import postgres
from tests.database import Database, Server
from tests.proof import kills
from tests.proof.report import Figures

ROWS = 100_000
KILLS = 15


def run(seed: int) -> Figures:
    """Import and kill, at the whole size."""
    with tempfile.TemporaryDirectory(prefix="stormcom-imports-") as name, ExitStack() as ending:
        folder = Path(name)
        cluster = ending.enter_context(postgres.Cluster(folder / "postgres", durable=False))
        server = Server(cluster.url(postgres.SUPERUSER, "postgres"), run="imports", cluster=cluster)
        server.prepare()
        found = carried_out(server.create_migrated("stormcom_test_imports"), folder, seed, rows=ROWS, kills=KILLS)
    facts = {
        "rows": found["rows"],
        "rows/s": round(found["rows"] / found["seconds"]) if found["seconds"] else 0,
        "MiB at most": round(found["peak_kib"] / 1024),
        "kills": found["kills"],
        "workers": found["workers"],
        "differences": len(found["notes"]),
    }
    return Figures("imports", facts, ok=not found["notes"], notes=found["notes"])


def carried_out(database: Database, folder: Path, seed: int, **plan: Any) -> dict[str, Any]:
    """Run the process that imports and kills; return what it found. See `imports_worker`."""
    folder.mkdir(exist_ok=True)
    into = folder / f"found-{seed}-{plan['rows']}.json"
    told = {"seed": seed, "superuser_url": database.superuser_url, "into": str(into), **plan}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.proof.imports_worker"],
        input=json.dumps(told) + "\n",
        text=True,
        env={**os.environ, **kills.environment_of(database, folder), "STORMCOM_KICK": "false"},
        check=False,
    )
    assert ended.returncode == 0, f"The process that imports ended with {ended.returncode}; it wrote why."
    found: dict[str, Any] = json.loads(into.read_text())
    return found
