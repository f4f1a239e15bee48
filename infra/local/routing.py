"""Which endpoint answers a request: API Gateway's rules for the routes of an HTTP API."""

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

type Handler = Callable[[dict[str, Any], Any], Any]


class Route(Protocol):
    """What routing needs to know of an endpoint; the topology's endpoints fit."""

    @property
    def method(self) -> str:
        """An HTTP method, or ANY."""

    @property
    def path(self) -> str:
        """A template: `/orders/{order_id}`, or `/files/{rest+}` for all that lies below."""


@dataclass(frozen=True)
class Match[R: Route]:
    """The endpoint that answers, and what its path parameters are."""

    route: R
    parameters: Mapping[str, str]


class Routes[R: Route]:
    """Routes by method and path: a static segment wins over a parameter, a parameter over a greedy one.

    One look-up costs a step a segment, however many routes there are.
    """

    def __init__(self, routes: Iterable[R]) -> None:
        self._root = _Node[R]()
        for route in routes:
            self._root.add(_segments(route.path), route)

    def find(self, method: str, path: str) -> Match[R] | None:
        """Answer which route takes this request, or None.

        A path that exists only for other methods has no route either: an HTTP API answers 404 there, never 405.
        """
        found: list[str] = []
        route = self._root.find(_segments(path), method, found)
        if route is None:
            return None
        names = [segment.strip("{}+") for segment in _segments(route.path) if segment.startswith("{")]
        return Match(route, dict(zip(names, found, strict=True)))


class _Node[R: Route]:
    def __init__(self) -> None:
        self.static: dict[str, _Node[R]] = {}
        self.parameter: _Node[R] | None = None
        self.here: dict[str, R] = {}
        self.below: dict[str, R] = {}  # greedy: any number of further segments

    def add(self, segments: list[str], route: R) -> None:
        if not segments:
            self.here[route.method] = route
        elif segments[0].endswith("+}"):
            self.below[route.method] = route
        elif segments[0].startswith("{"):
            self.parameter = self.parameter or _Node[R]()
            self.parameter.add(segments[1:], route)
        else:
            self.static.setdefault(segments[0], _Node[R]()).add(segments[1:], route)

    def find(self, segments: list[str], method: str, found: list[str]) -> R | None:
        if not segments:
            return _by_method(self.here, method)
        first, rest = segments[0], segments[1:]
        if (node := self.static.get(first)) and (route := node.find(rest, method, found)):
            return route
        if self.parameter and first:
            mark = len(found)
            found.append(first)
            if route := self.parameter.find(rest, method, found):
                return route
            del found[mark:]
        if route := _by_method(self.below, method):
            found.append("/".join(segments))
        return route


def handler(name: str) -> Handler:
    """Import the function that a handler string such as `functions.orders.api.handler` names."""
    module, _, attribute = name.rpartition(".")
    found: Handler = getattr(importlib.import_module(module), attribute)
    return found


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


def _by_method[R: Route](routes: dict[str, R], method: str) -> R | None:
    return routes.get(method) or routes.get("ANY")
