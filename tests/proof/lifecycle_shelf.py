"""What stock must be, reckoned in plain Python beside the system: levels, their history, and who holds what.

It says the same as `shared/inventory` in other words: nothing here locks, and nothing is SQL.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

type Demand = Mapping[str, int]  # quantities by SKU


@dataclass(frozen=True)
class Hold:
    """What one holder was promised of one variant; past its end it does not count, but stands until it is released."""

    quantity: int
    until: datetime


@dataclass
class Level:
    """One variant's stock."""

    on_hand: int
    safety: int = 0
    backorder: bool = False
    threshold: int = 2
    holds: dict[str, Hold] = field(default_factory=dict)  # by holder

    @property
    def reserved(self) -> int:
        """All that stands reserved, expired or not."""
        return sum(hold.quantity for hold in self.holds.values())

    @property
    def free(self) -> int:
        """What nobody was promised of what may be sold."""
        return self.on_hand - self.reserved - self.safety

    def lapsed(self, now: datetime, *, but: str | None = None) -> dict[str, Hold]:
        """Return the expired holds of others."""
        return {holder: hold for holder, hold in self.holds.items() if hold.until <= now and holder != but}

    def suffices(self, wanted: int, holder: str | None, freed: int) -> bool:
        """Tell whether that many can be had by a holder who gives up what they hold."""
        held = self.holds[holder].quantity if holder in self.holds else 0
        return wanted <= held or self.backorder or self.free + freed >= wanted - held


@dataclass
class Shelf:
    """The stock of a store, and the events that its changes must have told."""

    levels: dict[str, Level]
    told: Counter[str]

    def hold(self, holder: str, demand: Demand, *, now: datetime, until: datetime) -> bool:
        """Reserve a demand instead of what the holder had; False where there is not enough, and nothing changed."""
        if not self._make_room(holder, demand, now):
            return False
        for sku, level in self.levels.items():
            had = level.holds.pop(holder, Hold(0, until)).quantity
            wanted = demand.get(sku, 0)
            self._tell_turn(level, was_left=level.free > had, is_left=level.free > wanted)
            if wanted:
                level.holds[holder] = Hold(wanted, until)
        return True

    def sell(self, demand: Demand, *, now: datetime, holder: str | None = None) -> bool:
        """Sell a demand, using up all that the holder has; False where there is not enough, and nothing changed."""
        if not self._make_room(holder, demand, now):
            return False
        for level in self.levels.values():  # what was sold tells of itself; a checkout sells all that it holds
            level.holds.pop(holder or "", None)
        for sku, quantity in demand.items():
            self._move(sku, -quantity)
        return True

    def restock(self, demand: Demand) -> None:
        """Put back what was sold."""
        for sku, quantity in demand.items():
            self._move(sku, quantity)

    def change(self, sku: str, delta: int, *, now: datetime) -> bool:
        """Change what is on hand; False where fewer would be there than are promised."""
        level = self.levels[sku]
        if not delta:
            return True
        if not level.backorder and delta < 0 and level.on_hand + delta < level.reserved:
            lapsed = level.lapsed(now)
            if level.on_hand + delta < level.reserved - sum(hold.quantity for hold in lapsed.values()):
                return False
            for holder in lapsed:
                del level.holds[holder]
        self._move(sku, delta)
        return True

    def release(self, holder: str) -> None:
        """Give back what a holder has."""
        self._give_back({sku: [holder] for sku, level in self.levels.items() if holder in level.holds})

    def release_expired(self, now: datetime) -> None:
        """Give back what has expired."""
        self._give_back({sku: list(level.lapsed(now)) for sku, level in self.levels.items()})

    def _give_back(self, holders: Mapping[str, Sequence[str]]) -> None:
        for sku, some in holders.items():
            level, was_left = self.levels[sku], self.levels[sku].free > 0
            for holder in some:
                del level.holds[holder]
            self._tell_turn(level, was_left=was_left, is_left=level.free > 0)

    def _tell_turn(self, level: Level, *, was_left: bool, is_left: bool) -> None:
        """Tell when promises took the last unit that shoppers could have, or gave the first one back."""
        self.told["stock.availability_changed"] += not level.backorder and was_left != is_left

    def _make_room(self, holder: str | None, demand: Demand, now: datetime) -> bool:
        """Tell whether a demand can be met; where it takes that, release what expired of it."""
        if all(self.levels[sku].suffices(quantity, holder, 0) for sku, quantity in demand.items()):
            return True
        lapsed = {sku: self.levels[sku].lapsed(now, but=holder) for sku in demand}
        for sku, quantity in demand.items():
            freed = sum(hold.quantity for hold in lapsed[sku].values())
            if not self.levels[sku].suffices(quantity, holder, freed):
                return False
        for sku, holds in lapsed.items():
            for other in holds:
                del self.levels[sku].holds[other]
        return True

    def _move(self, sku: str, delta: int) -> None:
        level, before = self.levels[sku], self.levels[sku].on_hand
        level.on_hand += delta
        self.told["stock.adjusted"] += 1
        if level.on_hand <= level.threshold < before:
            self.told["stock.low"] += 1
