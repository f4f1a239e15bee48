"""What a function says of itself, as data: read by the CDK app, the local runner and the documents (`topology`)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from uuid import UUID

from shared.core.errors import Problem
from shared.core.outbox import DomainEvent

Audience = Literal["merchant", "storefront", "platform"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

Tenant = Literal["store", "organization", "person", "none"]  # whose rows a route works on

type Handler = Callable[[dict[str, Any], Any], Any]  # what Lambda calls, with an event and its own context

DEFAULT_MEMORY = 512  # MB; CPU comes with memory: 1,769 MB are one core
API_TIMEOUT = 15  # seconds; API Gateway gives up after 30


class BadDeclaration(TypeError):
    """A function's declaration cannot be right. The process does not start."""


@dataclass(frozen=True, kw_only=True)
class Cached:
    """How long an answer may be kept: by the edge, which can be told to forget it, and by browsers, which can't.

    All in seconds. `stale_while_revalidate`: so much longer an old answer is shown while the new one is fetched.
    `stale_if_error`: so much longer it is shown while we fail. What the edge was told to forget is never shown again.
    `tags` reads from the store, the query and the body of an answer what it shows, beside what its endpoint says.
    """

    seconds: int
    tags: Callable[[UUID, str, bytes], Iterable[str]] | None = None
    browser_seconds: int = 0  # with 0 a browser asks each time, and is told 304
    stale_while_revalidate: int = 0
    stale_if_error: int = 3600

    @cached_property
    def control(self) -> str:
        """Return the value of Cache-Control."""
        return self.control_within(self.seconds)

    def control_within(self, seconds: int) -> str:
        """Return the value of Cache-Control for an answer that the edge keeps for `seconds` at most."""
        told = {
            "max-age": self.browser_seconds,
            "s-maxage": min(self.seconds, seconds),
            "stale-while-revalidate": self.stale_while_revalidate,
            "stale-if-error": self.stale_if_error,
        }
        needed = ("max-age", "s-maxage")
        return ", ".join(["public", *(f"{name}={value}" for name, value in told.items() if value or name in needed)])


@dataclass(frozen=True)
class EndpointDeclaration:
    """One route of an Api, as its decorator declares it."""

    domain: str
    audience: Audience
    method: Method
    path: str
    call: Callable[..., Any]
    permission: str | None
    public: str | None
    signed_in: str | None
    tenant: Tenant
    idempotent: bool
    status_code: int
    raises: tuple[type[Problem], ...]
    memory: int
    timeout: int
    uses: tuple[str, ...]
    produces: tuple[str, ...] = ()
    cached: Cached | None = None
    moved: str | None = None
    step_up: bool = False

    @property
    def is_anybodys(self) -> bool:
        """Tell whether it asks for no credential at all."""
        return self.public is not None and (self.audience != "storefront" or self.tenant == "none")

    @property
    def name(self) -> str:
        """Return the function's name in the cloud: an identity, a renamed function is a new one."""
        return f"{self.domain}-{self.call.__name__.replace('_', '-')}"

    @property
    def writes(self) -> bool:
        """Tell whether the method may change something."""
        return self.method not in ("GET", "OPTIONS")


@dataclass(frozen=True)
class ConsumerDeclaration:
    """A queue's consumer.

    `receives`: how often a message is tried before it goes to the dead-letter queue. `concurrency`: how many batches
    at once at most, which bounds the load on the database. `timeout`: seconds for a whole batch. `events`: the domain
    events that the relay sends to the queue.
    """

    queue: str
    batch: int = 10
    timeout: int = 60
    receives: int = 5
    concurrency: int = 10
    memory: int = DEFAULT_MEMORY
    uses: tuple[str, ...] = ()
    events: tuple[type[DomainEvent], ...] = ()


@dataclass(frozen=True)
class ScheduleDeclaration:
    """A schedule: `expression` is EventBridge's `rate(...)` or `cron(...)`."""

    expression: str
    timeout: int = 60
    memory: int = DEFAULT_MEMORY
    uses: tuple[str, ...] = ()
