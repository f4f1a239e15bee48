"""What a race must have come to, reckoned from what each of its people was answered, and from nothing else."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tests.proof.races_buyers import Met

BROKEN = 500  # from here on an answer is a failure of ours, a deadlock among them
# What somebody who races for stock may hear. Anything else is a finding.
REFUSALS = {"out_of_stock", "stock_is_reserved"}


@dataclass(frozen=True)
class Stock:
    """What is on hand of a variant, and what of it is promised."""

    on_hand: int
    reserved: int


@dataclass
class Outcome:
    """What people met, added up."""

    units: int = 0  # that were sold and not given back
    orders: int = 0
    refused: int = 0
    calls: int = 0
    failures: int = 0  # answers of 5xx
    peak: int = 0  # calls under way at the same moment, at most
    surprises: list[str] = field(default_factory=list)

    def add(self, met: Sequence[Met]) -> None:
        """Add what the people of one race met."""
        for person in met:
            self.orders += bool(person["sold"])
            self.units += sum(person["sold"].values())
            self.calls += len(person["calls"])
            self.surprises += [f"declare: {code}" for code in person.get("refusals", ()) if code not in REFUSALS]
            for call in person["calls"]:
                self.failures += call["status"] >= BROKEN
                self.refused += call["code"] in REFUSALS
                if call["status"] >= 400 and call["code"] not in REFUSALS:
                    self.surprises.append(f"{person['does']}: {call['status']} {call['code']} from {call['path']}")
        self.peak = max(self.peak, most_at_once(met))


def most_at_once(met: Iterable[Met]) -> int:
    """Return how many calls were under way at the same moment, at most."""
    calls = [call for person in met for call in person["calls"]]
    edges = [(call["started"], 1) for call in calls] + [(call["ended"], -1) for call in calls]
    return max(accumulate(change for _, change in sorted(edges)), default=0)


def left_over(
    before: Mapping[str, int], met: Iterable[Met], declared: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Return what must be on hand of each variant, by what people bought and what was put there or taken away.

    `declared` is what the history says that imports and declarations added: they say how many there are, and nobody
    else knows how many there were.
    """
    left = Counter(before)
    for variant in before:
        left[variant] += (declared or {}).get(variant, 0)
    for person in met:
        left.subtract(person["sold"])
        if person["moved"]:
            left[person["variant"]] += person["moved"]
    return dict(left)


def offences(expected: Mapping[str, int], found: Mapping[str, Stock]) -> list[str]:
    """Return the variants of which something else is on hand than must be, or something is still reserved."""
    return [
        f"{variant}: {found[variant]}, and {on_hand} must be on hand with none reserved"
        for variant, on_hand in expected.items()
        if found[variant] != Stock(on_hand, 0)
    ]
