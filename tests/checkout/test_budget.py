"""What a purchase costs the database."""

from tests.application import Watch
from tests.checkout.purchases import a_cart
from tests.factories import a_store

MOST = 25  # statements in all four calls: authentication, idempotency, audit entries, events and limits included


def test_a_whole_purchase_takes_at_most_25_statements(watch: Watch) -> None:
    store = a_store(stock={"MUG": 5})
    counts: dict[str, int] = {}

    watch.statements.clear()
    cart = a_cart(store)
    counts["create cart"] = len(watch.statements)
    watch.statements.clear()
    added = cart.add("MUG", 2)
    counts["add line"] = len(watch.statements)
    watch.statements.clear()
    started = cart.start()
    counts["start checkout"] = len(watch.statements)
    watch.statements.clear()
    completed = cart.complete(started.json()["id"])
    counts["complete"] = len(watch.statements)

    print(counts, "in all", sum(counts.values()))  # noqa: T201 -- the figures are what one wants to see
    assert (added.status_code, started.status_code, completed.status_code) == (200, 201, 201)
    assert sum(counts.values()) <= MOST
    assert counts["create cart"] <= 4
    assert counts["add line"] <= 6
    assert counts["start checkout"] <= 8
    assert counts["complete"] <= 10
