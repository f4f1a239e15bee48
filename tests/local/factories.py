"""Small topologies for the tests of the local system."""

from shared.core.topology import Consumer, Endpoint, Schedule


def an_endpoint(method: str, path: str, handler: str = "shop", *, timeout: int = 15) -> Endpoint:
    """Make an endpoint served by one of the handlers in `tests.local.handlers`."""
    return Endpoint(
        name=f"{method} {path}",
        domain="shop",
        audience="merchant",
        method=method,
        path=path,
        handler=f"tests.local.handlers.{handler}",
        permission=None,
        public="a test",
        idempotent=False,
        memory=512,
        timeout=timeout,
        uses=(),
    )


def a_consumer(queue: str = "parcels", *, receives: int = 3, batch: int = 10) -> Consumer:
    """Make a consumer of `queue`, which hands everything to the tests' inbox."""
    return Consumer(
        name=f"shop-{queue}",
        domain="shop",
        queue=queue,
        events=(),
        handler="tests.local.handlers.consume",
        batch=batch,
        timeout=60,
        receives=receives,
        concurrency=10,
        memory=512,
        uses=(),
    )


def a_schedule(expression: str, name: str = "shop-tick") -> Schedule:
    """Make a schedule that hands its firings to the tests' inbox."""
    return Schedule(
        name=name,
        domain="shop",
        expression=expression,
        handler="tests.local.handlers.tick",
        timeout=60,
        memory=512,
        uses=(),
    )
