"""Proof that the tests would notice: each guard of the system is taken away alone, and a named part of them must fail.

Guards in the code go in copies of this project, one a process that works through them, each beside a PostgreSQL of its
own; locks of the database go where `mutations_database` says. What survives is a guard that nothing watches.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

import pytest

from infra.local import postgres
from tests.proof import whole
from tests.proof.mutations_code import WALLS, Mutation
from tests.proof.mutations_sales import SALES
from tests.proof.mutations_tenants import TENANTS
from tests.proof.report import Figures

REPOSITORY = Path(__file__).parents[2]
MUTATIONS = (*TENANTS, *WALLS, *SALES)
DATABASE_LINE = "mutations of the database"  # among the figures of a run

_COPIED = ("events", "functions", "infra", "migrations", "shared", "tests", "pyproject.toml")
_SUMMARY = re.compile(r"\b(\d+) (failed|passed|errors?)\b")


@dataclass(frozen=True)
class Verdict:
    """What became of one mutation: `noticed`, `survived`, or `broke` where no test came as far as failing."""

    mutation: Mutation
    outcome: str
    told: str  # what pytest said, for whoever mends


def run(seed: int) -> Figures:
    """Try every mutation of the code, and beside it every one of the database."""
    with ThreadPoolExecutor(1) as crew:
        of_code = crew.submit(try_all, MUTATIONS, processes=os.cpu_count() or 1)
        of_database = whole.run_tests("tests/proof/test_mutations.py", seed=seed)
        verdicts = of_code.result()
    for verdict in verdicts:  # only now: what is printed while pytest runs, it takes for a test's
        print(f"{verdict.outcome:8}  {verdict.mutation.name}")
        if verdict.outcome != "noticed":
            print(verdict.told)
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
        with _worker(copy, cluster.url(postgres.SUPERUSER, "postgres")) as worker:
            while True:
                try:
                    mutation = waiting.get_nowait()
                except Empty:
                    break
                verdicts.append(_tried(mutation, copy, worker))
    finally:
        cluster.stop()
    return verdicts


@contextmanager
def _worker(copy: Path, database_url: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the process that runs tests in a copy, until it is no longer asked."""
    environment = {**os.environ, "STORMCOM_TEST_DATABASE_URL": database_url}
    for unwanted in (whole.SEED, "PYTHONDONTWRITEBYTECODE"):
        environment.pop(unwanted, None)
    command = [sys.executable, "-m", "tests.proof.mutations_worker"]
    worker = subprocess.Popen(
        command, cwd=copy, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield worker
    finally:
        worker.communicate()  # its input ends


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


def _tried(mutation: Mutation, copy: Path, worker: "subprocess.Popen[str]") -> Verdict:
    file = copy / mutation.file
    before, stamp = file.read_text(), file.stat()
    file.write_text(mutated(mutation, before))
    try:
        return _judged(mutation, worker)
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


def _judged(mutation: Mutation, worker: "subprocess.Popen[str]") -> Verdict:
    assert worker.stdin is not None
    assert worker.stdout is not None
    asked = {"tests": mutation.tests, "own_template": mutation.file.startswith("migrations/")}
    worker.stdin.write(json.dumps(asked) + "\n")
    worker.stdin.flush()
    ended = json.loads(worker.stdout.readline())
    told, code = ended["told"], ended["code"]
    if code is None:
        return Verdict(mutation, "noticed", "Its tests did not end.")
    if code == pytest.ExitCode.OK:
        return Verdict(mutation, "survived", told)
    counted = {kind for _, kind in _SUMMARY.findall(told[-600:])}
    return Verdict(mutation, "noticed" if "failed" in counted else "broke", told)
