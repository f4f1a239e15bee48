"""Every act that kills are tried on: all that moves money or stock, at every step; whatever else writes, by turns."""

from tests.proof import kills_elsewhere
from tests.proof.kills_acts import MERCHANTS, SHOPPERS, Act
from tests.proof.kills_background import BACKGROUND
from tests.proof.kills_movers import movers
from tests.proof.kills_shelves import IMPORT, SHELVES

WORKERS = (*BACKGROUND, IMPORT)
MOVING = (*SHOPPERS, *MERCHANTS, *SHELVES, *WORKERS)
ELSEWHERE = kills_elsewhere.acts(frozenset(act.of for act in MOVING))
ACTS = {act.name: act for act in (*MOVING, *ELSEWHERE)}


def everywhere() -> tuple[Act, ...]:
    """Return what is killed at each step: what was prepared for it, and every other whose code can do the same.

    Takes some seconds: all code is followed.
    """
    found = movers()
    return (*MOVING, *(act for act in ELSEWHERE if act.of in found))


def by_turns() -> tuple[Act, ...]:
    """Return what is killed now and then."""
    found = movers()
    return tuple(act for act in ELSEWHERE if act.of not in found)
