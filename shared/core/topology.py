"""The system's topology, gathered from what the functions declare; read by the CDK app and by the local runner.

`python -m shared.core.topology` prints it as JSON; the committed copy shows in review what a change does to the cloud.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from shared.core.consumers import Consumer as ConsumerFunction
from shared.core.functions import Api
from shared.core.schedules import ScheduledFunction


class DoubleDeclaration(TypeError):
    """Two functions have the same name or route, or a module declares what it may not."""


@dataclass(frozen=True)
class Endpoint:
    """One route, served by one function."""

    name: str
    domain: str
    audience: str
    method: str
    path: str
    handler: str
    permission: str | None
    public: str | None
    idempotent: bool
    memory: int
    timeout: int
    uses: tuple[str, ...]
    cached: bool = False  # the edge may keep its answers


@dataclass(frozen=True)
class Consumer:
    """One queue and the function that consumes it."""

    name: str
    domain: str
    queue: str
    events: tuple[str, ...]
    handler: str
    batch: int
    timeout: int
    receives: int
    concurrency: int
    memory: int
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """One schedule and the function that it calls."""

    name: str
    domain: str
    expression: str
    handler: str
    timeout: int
    memory: int
    uses: tuple[str, ...]


@dataclass(frozen=True)
class Topology:
    """Everything that runs: sorted by name, so that its JSON is the same wherever it is made."""

    endpoints: tuple[Endpoint, ...]
    consumers: tuple[Consumer, ...]
    schedules: tuple[Schedule, ...]

    def to_json(self) -> str:
        """Return the topology as JSON text."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Topology":
        """Read what `to_json` wrote."""
        told = json.loads(text)

        def read[T](kind: type[T], rows: list[dict[str, Any]]) -> tuple[T, ...]:
            return tuple(kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}) for row in rows)

        return cls(
            endpoints=read(Endpoint, told["endpoints"]),
            consumers=read(Consumer, told["consumers"]),
            schedules=read(Schedule, told["schedules"]),
        )

    @property
    def subscriptions(self) -> dict[str, list[str]]:
        """Return the queues that each type of domain event goes to."""
        told: dict[str, list[str]] = {}
        for consumer in self.consumers:
            for event in consumer.events:
                told.setdefault(event, []).append(consumer.queue)
        return told


def modules() -> Iterator[ModuleType]:
    """Import and return every module under functions/, in the order of their names."""
    root = importlib.import_module("functions")
    for found in sorted(pkgutil.walk_packages(root.__path__, "functions."), key=lambda module: module.name):
        if not found.ispkg:
            yield importlib.import_module(found.name)


def apis() -> list[tuple[str, Api]]:
    """Return every Api with the name of its module."""
    return [(module.__name__, module.api) for module in modules() if isinstance(getattr(module, "api", None), Api)]


def load() -> Topology:
    """Gather the topology from the functions.

    Raises:
        DoubleDeclaration: two functions have one name, two routes are the same, or two consumers share a queue.
    """
    endpoints: list[Endpoint] = []
    consumers: list[Consumer] = []
    schedules: list[Schedule] = []
    for module in modules():
        domain, handler = module.__name__.split(".")[1], f"{module.__name__}.handler"
        api = getattr(module, "api", None)
        if isinstance(api, Api):
            endpoints += _endpoints(api, handler)
        declared = getattr(getattr(module, "handler", None), "__self__", None)
        if isinstance(declared, ConsumerFunction):
            consumers.append(_consumer(declared, domain, handler))
        if isinstance(declared, ScheduledFunction):
            schedules.append(_schedule(declared, domain, handler))
    served, consuming, timed = ([one.name for one in kind] for kind in (endpoints, consumers, schedules))
    _refuse_doubles("function", served + consuming + timed)
    _refuse_doubles("route", [f"{one.method} {one.path}" for one in endpoints])
    _refuse_doubles("queue", [one.queue for one in consumers])
    return Topology(
        endpoints=tuple(sorted(endpoints, key=lambda one: one.name)),
        consumers=tuple(sorted(consumers, key=lambda one: one.name)),
        schedules=tuple(sorted(schedules, key=lambda one: one.name)),
    )


def _endpoints(api: Api, handler: str) -> list[Endpoint]:
    return [
        Endpoint(
            name=one.name,
            domain=one.domain,
            audience=one.audience,
            method=one.method,
            path=one.path.replace(":path}", "+}"),  # Starlette's greedy segment, in API Gateway's spelling
            handler=handler,
            permission=one.permission,
            public=one.public,
            idempotent=one.idempotent,
            memory=one.memory,
            timeout=one.timeout,
            uses=one.uses,
            cached=one.cached is not None,
        )
        for one in api.endpoints
    ]


def _consumer(declared: ConsumerFunction, domain: str, handler: str) -> Consumer:
    facts = declared.declared
    return Consumer(
        name=_name(handler),
        domain=domain,
        queue=facts.queue,
        events=tuple(kind.type for kind in facts.events),
        handler=handler,
        batch=facts.batch,
        timeout=facts.timeout,
        receives=facts.receives,
        concurrency=facts.concurrency,
        memory=facts.memory,
        uses=facts.uses,
    )


def _schedule(declared: ScheduledFunction, domain: str, handler: str) -> Schedule:
    facts = declared.declared
    return Schedule(
        name=_name(handler),
        domain=domain,
        expression=facts.expression,
        handler=handler,
        timeout=facts.timeout,
        memory=facts.memory,
        uses=facts.uses,
    )


def _name(handler: str) -> str:
    _, domain, module, _ = handler.split(".")
    return f"{domain}-{module.replace('_', '-')}"


def _refuse_doubles(what: str, names: list[str]) -> None:
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        message = f"The same {what} is declared twice: {', '.join(doubled)}."
        raise DoubleDeclaration(message)


if __name__ == "__main__":
    sys.stdout.write(load().to_json())
