"""What takes seconds to make is made once a run, whichever of pytest-xdist's workers needs it first."""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Once:
    """The folder that all workers of a run share."""

    folder: Path

    @classmethod
    def of(cls, config: pytest.Config, factory: pytest.TempPathFactory) -> "Once":
        """Find the folder: a worker's own lies in the run's."""
        own = factory.getbasetemp()
        return cls(own.parent if hasattr(config, "workerinput") else own)

    def make(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return the folder of that name, which `build` fills, while who else wants it waits.

        What fails, or is killed, leaves nothing: the next one builds it anew.
        """
        made = self.folder / name
        with (self.folder / f"{name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                scratch = self.folder / f"{name}.unfinished"
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                build(scratch)
                scratch.rename(made)
        return made
