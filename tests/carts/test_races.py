"""Two tabs with one cart."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.checkout.purchases import a_cart
from tests.factories import a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")


def test_of_twenty_additions_at_once_each_counts_and_each_answer_shows_what_is_there() -> None:
    store = a_store()
    for number in range(20):
        add_product(store, f"SKU-{number}")
    cart = a_cart(store)

    with ThreadPoolExecutor(20) as tabs:
        answers = list(tabs.map(lambda number: cart.add(f"SKU-{number}"), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    seen = sorted((answer.json()["version"], len(answer.json()["lines"])) for answer in answers)
    assert seen == [(version, version - 1) for version in range(2, 22)]
    assert len(cart.read()["lines"]) == 20


def test_of_twenty_additions_of_one_thing_none_is_lost() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}))

    with ThreadPoolExecutor(20) as tabs:
        list(tabs.map(lambda _: cart.add("MUG", 2), range(20)))

    assert [line["quantity"] for line in cart.read()["lines"]] == [40]


def test_of_two_edits_that_are_based_on_one_version_one_is_refused() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 1})
    line = cart.read()["lines"][0]["id"]

    with ThreadPoolExecutor(2) as tabs:
        answers = list(tabs.map(lambda quantity: cart.set_quantity(line, quantity, If_Match='"1"'), (5, 7)))

    assert sorted(answer.status_code for answer in answers) == [200, 412]
