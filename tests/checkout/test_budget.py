"""What a purchase costs the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event

from shared.core import database
from tests.application import Watch
from tests.checkout.purchases import a_cart
from tests.factories import a_store

# In all four calls: authentication, idempotency, audit entries, events and limits included.
STATEMENTS = {"create cart": 3, "add line": 5, "start checkout": 7, "complete": 9}
ROUND_TRIPS = {"create cart": 2, "add line": 3, "start checkout": 3, "complete": 3}


def test_a_whole_purchase_takes_24_statements_in_11_round_trips(watch: Watch) -> None:
    store = a_store(stock={"MUG": 5})
    a_cart(store)  # by now the process remembers the store's key
    statements: dict[str, int] = {}
    trips: dict[str, int] = {}

    @contextmanager
    def counted(name: str) -> Iterator[None]:
        mark = len(watch.statements)
        with _round_trips() as begun:
            yield
        statements[name] = watch.count_since(mark)
        trips[name] = sum(driven.round_trips - before for driven, before in begun)

    with counted("create cart"):
        cart = a_cart(store)
    with counted("add line"):
        added = cart.add("MUG", 2)
    with counted("start checkout"):
        started = cart.start()
    with counted("complete"):
        completed = cart.complete(started.json()["id"])

    assert (added.status_code, started.status_code, completed.status_code) == (200, 201, 201)
    assert (statements, trips) == (STATEMENTS, ROUND_TRIPS)


@contextmanager
def _round_trips() -> Iterator[list[tuple[Any, int]]]:
    """Return the connections of the transactions that begin meanwhile, each with its round trips until then."""
    begun: list[tuple[Any, int]] = []

    def see(connection: Connection) -> None:
        driven: Any = connection.connection.dbapi_connection
        begun.append((driven, driven.round_trips))

    event.listen(database.engine(), "begin", see)
    try:
        yield begun
    finally:
        event.remove(database.engine(), "begin", see)
