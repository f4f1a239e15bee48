"""Topologies of the tests' own: of the real one's shape, of any size."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from shared.core.topology import Consumer, Endpoint, Schedule, Topology

_VERBS = (("list", "GET", ""), ("create", "POST", ""), ("get", "GET", "/{id}"), ("edit", "PATCH", "/{id}"))
_MODULES = {"merchant": "api", "storefront": "storefront", "platform": "platform"}
_PREFIXES = {"merchant": "/api/v1", "storefront": "/api/v1/storefront", "platform": "/api/v1/platform"}


def an_endpoint(domain: str, name: str, *, audience: str = "merchant", **facts: Any) -> Endpoint:
    """Return an endpoint of a domain; `facts` are fields that the test is about."""
    endpoint = Endpoint(
        name=f"{domain}-{name}",
        domain=domain,
        audience=audience,
        method="GET",
        path=f"{_PREFIXES[audience]}/{domain}/{name}",
        handler=f"functions.{domain}.{_MODULES[audience]}.handler",
        permission=f"{domain}.read",
        public=None,
        idempotent=False,
        memory=512,
        timeout=10,
        uses=(),
    )
    return replace(endpoint, **facts)


def a_consumer(
    domain: str, name: str, *, events: tuple[str, ...] = (), receives: int = 5, uses: tuple[str, ...] = ()
) -> Consumer:
    """Return a consumer of a queue that is named as it is."""
    return Consumer(
        name=f"{domain}-{name}",
        domain=domain,
        queue=name,
        events=events,
        handler=f"functions.{domain}.{name.replace('-', '_')}.handler",
        batch=10,
        timeout=60,
        receives=receives,
        concurrency=10,
        memory=512,
        uses=uses,
    )


def a_schedule(domain: str, name: str, *, expression: str = "rate(1 minute)", uses: tuple[str, ...] = ()) -> Schedule:
    """Return a schedule."""
    return Schedule(
        name=f"{domain}-{name}",
        domain=domain,
        expression=expression,
        handler=f"functions.{domain}.{name.replace('-', '_')}.handler",
        timeout=60,
        memory=512,
        uses=uses,
    )


def a_topology(*more: Endpoint | Consumer | Schedule) -> Topology:
    """Return a small shop: three audiences, consumers with and without events, schedules; and what is added to it."""
    functions = [
        *(endpoint for domain in ("catalog", "inventory", "orders") for endpoint in _crud(domain)),
        *(endpoint for domain in ("catalog", "carts", "checkout") for endpoint in _crud(domain, audience="storefront")),
        *_crud("stores", audience="platform"),
        an_endpoint("orders", "place-order", method="POST", path="/api/v1/orders", memory=1024),
        an_endpoint(
            "checkout",
            "complete",
            method="POST",
            path="/api/v1/storefront/checkouts/{checkout_id}/complete",
            audience="storefront",
        ),
        _kept("browse-products", "/api/v1/storefront/products"),
        _kept("view-product", "/api/v1/storefront/products/{slug}"),
        an_endpoint("inventory", "adjust", method="POST", path="/api/v1/inventory/adjustments"),
        an_endpoint(
            "stores", "openapi", path="/api/v1/openapi.json", permission=None, public="The description of the API."
        ),
        a_consumer("events", "outbox", uses=("queues", "subscriptions")),
        a_consumer("orders", "order-messages", events=("order.placed", "order.canceled"), uses=("messages",)),
        a_consumer("inventory", "reservation-expiry", events=("order.canceled",), receives=8),
        a_schedule("events", "sweep-outbox", uses=("queues", "subscriptions")),
        a_schedule("inventory", "sweep-reservations", uses=("queues",)),
        a_schedule("inventory", "reconcile", expression="cron(0 19 * * ? *)"),
        *more,
    ]
    return _sorted(functions)


def _kept(name: str, path: str) -> Endpoint:
    return an_endpoint(
        "catalog", name, path=path, audience="storefront", permission=None, public="Anyone may look.", cached=True
    )


def a_large_topology(endpoints: int = 200) -> Topology:
    """Return a shop of so many endpoints, most of them the merchant's, over ten domains, and twenty queues."""
    functions: list[Endpoint | Consumer | Schedule] = []
    for number in range(endpoints):
        audience = "storefront" if number % 5 == 0 else "merchant"
        functions.append(an_endpoint(f"domain{number % 10}", f"endpoint-{number}", audience=audience))
    functions += [a_consumer(f"domain{number % 10}", f"queue-{number}") for number in range(20)]
    functions += [a_schedule(f"domain{number}", f"sweep-{number}") for number in range(10)]
    return _sorted(functions)


def _crud(domain: str, *, audience: str = "merchant") -> Iterator[Endpoint]:
    for verb, method, place in _VERBS:
        path = f"{_PREFIXES[audience]}/{domain}s{place}"
        name = f"{verb}-{audience}-{domain}"
        yield an_endpoint(domain, name, method=method, path=path, audience=audience)


def _sorted(functions: list[Endpoint | Consumer | Schedule]) -> Topology:
    functions = sorted(functions, key=lambda one: one.name)
    return Topology(
        endpoints=tuple(one for one in functions if isinstance(one, Endpoint)),
        consumers=tuple(one for one in functions if isinstance(one, Consumer)),
        schedules=tuple(one for one in functions if isinstance(one, Schedule)),
    )


def functions(topology: Topology) -> tuple[Endpoint | Consumer | Schedule, ...]:
    """Return everything of a topology that is a function, or a part of one."""
    return (*topology.endpoints, *topology.consumers, *topology.schedules)
