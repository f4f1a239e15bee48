"""Schedules: functions that EventBridge calls. Safe to run twice at once, or to miss a beat.

A sweep finds the stores that have due work, by a look-up that returns store ids alone, and sends one message a store;
the work itself runs in a consumer, inside that store's scope.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from shared.core import context, ids, telemetry
from shared.core.declarations import DEFAULT_MEMORY, ScheduleDeclaration
from shared.core.principal import Principal


class ScheduledFunction:
    """A declared schedule: call it as the plain function that it is, or let Lambda call its `handler`."""

    def __init__(self, declared: ScheduleDeclaration, call: Callable[[], None]) -> None:
        """Join the declaration with the function."""
        self.declared = declared
        self.call = call
        self.__doc__ = call.__doc__
        self.__name__ = call.__name__
        self.__module__ = call.__module__

    def __call__(self) -> None:
        """Call the plain function."""
        self.call()

    def handler(self, event: dict[str, Any], _lambda_context: Any) -> None:  # noqa: ANN401 -- AWS's own shapes
        """Run once, in a context of its own; what it raises is Lambda's to retry and to count."""
        started = time.perf_counter()
        name = f"{self.__module__.split('.')[1]}-{self.__name__.replace('_', '-')}"
        scope = context.Context(
            correlation_id=str(ids.new_id()),
            request_id=str(event.get("id", "")) or None,
            function=name,
            principal=Principal(kind="system", id=name),
        )
        with context.entered(scope), telemetry.traced(name):
            outcome = "failed"
            try:
                self.call()
                outcome = "done"
            finally:
                telemetry.log_outcome(outcome, name=name, milliseconds=(time.perf_counter() - started) * 1000)


def schedule(
    expression: str,
    *,
    timeout: int = 60,
    memory: int = DEFAULT_MEMORY,
    uses: Sequence[str] = (),
) -> Callable[[Callable[[], None]], ScheduledFunction]:
    """Declare a function that EventBridge calls at `rate(...)` or `cron(...)`. See `ScheduleDeclaration`."""
    declared = ScheduleDeclaration(expression, timeout=timeout, memory=memory, uses=tuple(uses))
    return lambda call: ScheduledFunction(declared, call)
