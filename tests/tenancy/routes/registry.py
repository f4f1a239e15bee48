"""Where the calls of each route are registered."""

from collections.abc import Callable

from tests.tenancy.calls import Call
from tests.tenancy.world import World

type Case = Callable[[World], Call]

CASES: dict[str, tuple[str, Case]] = {}  # by the case's name: the route's name, and what makes the call

# Routes that serve no store's data; what they say of themselves stands in their declaration.
WITHOUT_STORE: dict[str, Call] = {
    "docs-explain-problem": Call(path={"code": "not_found"}),
    "docs-get-docs": Call(),
    "docs-get-docs-asset": Call(path={"asset": "start.js"}),
    "docs-get-openapi": Call(),
    "stores-answer-preflight": Call(path={"path": "carts"}, headers={"Origin": "https://shop.example"}),
}

# Routes that ask for no credential and write about people: what makes a call that succeeds, anew each time.
BY_ANYBODY: dict[str, Callable[[], Call]] = {}


def calls(route: str) -> Callable[[Case], Case]:
    """Register a case of a route."""

    def register(case: Case) -> Case:
        name = f"{route}: {case.__name__.replace('_', ' ')}"
        assert name not in CASES, name
        CASES[name] = (route, case)
        return case

    return register


def simple(route: str, case: Case) -> None:
    """Register the one call of a route, or the first of several."""
    CASES[route] = (route, case)
