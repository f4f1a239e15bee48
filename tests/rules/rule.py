"""A rule about one Python file, with an offence and its remedy beside it, on which the rule itself is tested."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.rules.sources import Source


@dataclass(frozen=True)
class Rule:
    """What no file may do, how to find it, and what to do instead.

    `find` yields the lines that offend. `offence` and `remedy` are texts of a file at `where`: the first must be
    found, the second must not.
    """

    says: str
    applies: Callable[[Source], bool]
    find: Callable[[Source], Iterable[int]]
    instead: str
    where: str
    offence: str
    remedy: str

    def offences(self, source: Source) -> list[str]:
        """Return a sentence for each offence in `source`."""
        if not self.applies(source):
            return []
        return [f"{source.path}:{line}: {self.says} {self.instead}" for line in sorted(set(self.find(source)))]

    def planted(self, text: str) -> Source:
        """Return `text` as the file in which this rule is tried."""
        return Source(PurePosixPath(self.where), text)


def everywhere(_source: Source) -> bool:
    """Tell that a rule binds every file."""
    return True


def inside(*folders: str, but: tuple[str, ...] = ()) -> Callable[[Source], bool]:
    """Bind a rule to the files in `folders`, except those in `but`."""
    return lambda source: source.within(*folders) and not source.within(*but)


def in_domains(source: Source) -> bool:
    """Bind a rule to the code of the domains: functions/<domain> and shared/<domain>."""
    return source.domain is not None
