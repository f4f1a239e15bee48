"""Tests of this folder at their whole size: the same that `make test` runs in seconds, with a seed and more of it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

SEED = "PROOF_SEED"  # the environment variable that says so
_LONGEST_SECONDS = 15 * 60  # a test; `make proof` as a whole has its own end


@dataclass(frozen=True)
class Ended:
    """How the tests ended, and what they counted, by the lines of the figures."""

    passed: bool
    counts: Mapping[str, Mapping[str, int]]


def seed() -> int | None:
    """Return the seed of the proof that runs; None in `make test`, which is small and always the same."""
    given = os.environ.get(SEED)
    return None if given is None else int(given)


def run_tests(*paths: str, seed: int) -> Ended:
    """Run tests in this process, which belongs to this part of the proof alone."""
    os.environ[SEED] = str(seed)
    options = ["--quiet", "--no-header", f"--timeout={_LONGEST_SECONDS}", "--randomly-seed=1", *paths]
    code = pytest.main(options)
    from tests import figures  # noqa: PLC0415 -- pytest must load its plugins first, to rewrite their assertions

    run = figures.of_this_run
    counts = {line: dict(counted) for line, counted in run.counts.items()}
    for line, names in run.seen.items():
        counts.setdefault(line, {}).update({name: len(known) for name, known in names.items()})
    return Ended(code == pytest.ExitCode.OK, counts)
