"""Proof that the tests would notice: each guard of the system is taken away alone, and a named part of them must fail.

Guards in the code go in copies of this project, one a process that works through them, each beside a PostgreSQL of its
own; locks of the database go where `mutations_database` says. What survives is a guard that nothing watches.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from infra.local import postgres
from tests.proof import whole
from tests.proof.mutations_code import WALLS, Mutation
from tests.proof.mutations_sales import SALES
from tests.proof.report import Figures

REPOSITORY = Path(__file__).parents[2]
MUTATIONS = (*WALLS, *SALES)
DATABASE_LINE = "mutations of the database"  # among the figures of a run

_COPIED = ("events", "functions", "infra", "migrations", "shared", "tests", "pyproject.toml")
_LONGEST_SECONDS = 120  # the tests of one mutation; some guards end a wait, and without them a test waits for ever
_SUMMARY = re.compile(r"\b(\d+) (failed|passed|errors?)\b")


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation: `noticed`, `survived`, or `broke` where no test came as far as failing."""

    mutation: Mutation
    outcome: str
    told: str  # what pytest said, for whoever mends


def run(seed: int) -> Figures:
    """Try every mutation of the code, and then every one of the database."""
    verdicts = try_all(MUTATIONS, processes=os.cpu_count() or 1)
    of_database = whole.run_tests("tests/proof/test_mutations.py", seed=seed)
    counts = of_database.counts.get(DATABASE_LINE, {})
    noticed = [verdict for verdict in verdicts if verdict.outcome == "noticed"]
    notes = [
        f"{verdict.outcome}: {verdict.mutation.name} ({', '.join(verdict.mutation.tests)})"
        for verdict in verdicts
        if verdict.outcome != "noticed"
    ]
    if not of_database.passed:
        notes.append("See above which lock of the database nobody noticed missing.")
    facts = {
        "guards of the code taken away": len(verdicts),
        "guards noticed missing": len(noticed),
        "locks of the database taken away": counts.get("taken_away", 0),
        "locks noticed missing": counts.get("noticed", 0),
        "survived": len(verdicts) - len(noticed) + counts.get("taken_away", 0) - counts.get("noticed", 0),
    }
    return Figures("mutations", facts, ok=not notes, notes=notes)


def try_all(mutations: Sequence[Mutation], *, processes: int) -> list[Verdict]:
    """Try mutations, as many at a time as there are processes; each has a copy and a PostgreSQL of its own."""
    waiting: SimpleQueue[Mutation] = SimpleQueue()
    for mutation in mutations:
        waiting.put(mutation)

    def work(number: int) -> list[Verdict]:
        with tempfile.TemporaryDirectory(prefix=f"stormcom-mutations-{number}-") as folder:
            return _work_through(waiting, Path(folder))

    with ThreadPoolExecutor(processes) as crew:
        return [verdict for verdicts in crew.map(work, range(processes)) for verdict in verdicts]


def _work_through(waiting: "SimpleQueue[Mutation]", folder: Path) -> list[Verdict]:
    copy, verdicts = _copied_to(folder / "copy"), []
    cluster = postgres.Cluster(folder / "postgres", durable=False)
    cluster.start()
    try:
        while not waiting.empty():
            verdict = _tried(waiting.get(), copy, cluster.url(postgres.SUPERUSER, "postgres"))
            print(f"{verdict.outcome:8}  {verdict.mutation.name}", flush=True)
            if verdict.outcome != "noticed":
                print(verdict.told, flush=True)
            verdicts.append(verdict)
    finally:
        cluster.stop()
    return verdicts


def _copied_to(copy: Path) -> Path:
    """Copy the project with its compiled files, so that each process only compiles what was changed."""
    copy.mkdir()
    for name in _COPIED:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("cdk.out", "node_modules"))
        else:
            shutil.copy2(source, copy / name)
    return copy


def _tried(mutation: Mutation, copy: Path, database_url: str) -> Verdict:
    file = copy / mutation.file
    before, stamp = file.read_text(), file.stat()
    file.write_text(mutated(mutation, before))
    try:
        return _judged(mutation, copy, database_url)
    finally:
        file.write_text(before)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # its compiled file holds again


def mutated(mutation: Mutation, text: str) -> str:
    """Return the text with the guard taken away.

    Raises:
        ValueError: the passage is not there, or more than once.
    """
    if text.count(mutation.passage) != 1:
        message = f"{mutation.file} has the passage of {mutation.name!r} {text.count(mutation.passage)} times."
        raise ValueError(message)
    return text.replace(mutation.passage, mutation.instead)


def _judged(mutation: Mutation, copy: Path, database_url: str) -> Verdict:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--randomly-seed=1", "--exitfirst", "--quiet"]
    environment = {**os.environ, "STORMCOM_TEST_DATABASE_URL": database_url, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop(whole.SEED, None)
    try:
        ended = subprocess.run(
            [*command, *mutation.tests],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict(mutation, "noticed", "Its tests did not end.")
    told = ended.stdout[-3000:] + ended.stderr[-1000:]
    counted = {kind for _, kind in _SUMMARY.findall(ended.stdout[-600:])}
    if ended.returncode == 0:
        return Verdict(mutation, "survived", told)
    return Verdict(mutation, "noticed" if "failed" in counted else "broke", told)
