"""Importing and exporting catalogs: rows a second, and the memory of the worker, at two sizes.

Each import runs in a process that was forked for it, in the very handler that Lambda calls.
"""

import tempfile
from pathlib import Path

from tests.bench.table import Cell, show
from tests.bench.world import World
from tests.database import Database
from tests.proof import imports

SIZES = (4_000, 40_000)  # rows of a file; `make proof` imports 100,000
_SEED = 1


def show_imports(running: World, _seconds: float) -> None:
    """Import a file, import it again, export the store."""
    database = Database(running.url, running.url, running.superuser_url())  # nothing of it needs the owner
    rows: list[list[Cell]] = []
    peaks: list[int] = []
    with tempfile.TemporaryDirectory(prefix="stormcom-bench-csv-") as folder:
        for size in SIZES:
            found = imports.carried_out(database, Path(folder), _SEED, rows=size, kills=0, again=True)
            assert not found["notes"], found["notes"]
            speeds = [size / found[name] for name in ("seconds", "again_seconds", "export_seconds")]
            rows.append([f"{size:,} rows", *speeds, found["peak_kib"] / 1024, found["export_peak_kib"] / 1024])
            peaks.append(found["peak_kib"])
    show(
        "Files of products: one worker, rows a second",
        ("", "new", "same again", "export", "MiB importing", "MiB exporting"),
        rows,
        "New: every product is made. Same again: every product is compared, and none is changed.",
        "MiB: the highest resident memory of the worker's process, Python and its libraries included.",
        f"The larger file took {peaks[-1] / peaks[0]:.2f} x the memory of the smaller one.",
    )
