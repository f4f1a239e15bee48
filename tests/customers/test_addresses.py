"""The address book: up to fifty addresses, one of them the default, in the form that a checkout takes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.checkout.purchases import a_cart
from tests.customers.shoppers import Customer, a_phone, audited, refused, sign_in
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

BOOK = "/storefront/account/addresses"
HOME = {"line1": "House 7, Road 3", "area": "Dhanmondi", "city": "Dhaka", "phone": "01712-345678"}
WORK = {"line1": "Level 4", "city": "Chattogram"}


def add(customer: Customer, **address: Any) -> dict[str, Any]:
    answer = customer.client.post(BOOK, json=address)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def defaults(customer: Customer) -> list[tuple[str, bool]]:
    listed = customer.client.get(BOOK).json()["data"]
    return [(one["address"]["line1"], one["is_default"]) for one in listed]


def test_the_first_address_is_the_default_until_another_becomes_it(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())

    home, work = add(customer, **HOME), add(customer, **WORK)
    before = defaults(customer)
    replaced = customer.client.put(f"{BOOK}/{work['id']}", json={**WORK, "is_default": True})

    assert (home["is_default"], work["is_default"], home["address"]["phone"]) == (True, False, "+8801712345678")
    assert before == [("House 7, Road 3", True), ("Level 4", False)]
    assert (replaced.json()["version"], replaced.json()["is_default"]) == (2, True)
    assert defaults(customer) == [("Level 4", True), ("House 7, Road 3", False)]
    entries = audited(sql, store, "customer_address.added")
    assert "House" not in str(entries)
    assert entries[0]["after"]["line1"] == "H***(15)"


def test_an_address_of_the_book_is_what_a_checkout_takes() -> None:
    store = a_store(stock={"MUG": 5})
    customer = sign_in(store, phone=a_phone())
    add(customer, **HOME)
    address = customer.client.get(BOOK).json()["data"][0]["address"]
    cart = a_cart(store, {"MUG": 1})

    started = cart.start(shipping_address=address)

    assert started.status_code == 201, started.text
    assert started.json()["shipping_address"]["line2"] == "Dhanmondi"


def test_an_address_that_was_removed_is_gone_and_leaves_the_default_to_the_newest(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    home = add(customer, **HOME)
    for line in ("Second", "Third"):
        add(customer, line1=line, city="Dhaka")

    gone = customer.client.delete(f"{BOOK}/{home['id']}")
    again = customer.client.delete(f"{BOOK}/{home['id']}")

    assert (gone.status_code, refused(again)) == (200, (404, "not_found"))
    assert defaults(customer) == [("Third", True), ("Second", False)]
    assert sql("select count(*) as n from customer_addresses where store_id = %s", store.id)[0]["n"] == 2


def test_nobody_reads_replaces_or_removes_the_address_of_another_customer() -> None:
    store = a_store()
    me, somebody = sign_in(store, phone=a_phone()), sign_in(store, phone=a_phone())
    theirs = add(somebody, **HOME)

    refusals = [
        me.client.put(f"{BOOK}/{theirs['id']}", json=WORK),
        me.client.delete(f"{BOOK}/{theirs['id']}"),
    ]

    assert {refused(one) for one in refusals} == {(404, "not_found")}
    assert defaults(me) == []
    assert defaults(somebody) == [("House 7, Road 3", True)]


def test_a_replacement_that_is_based_on_an_old_version_is_refused() -> None:
    customer = sign_in(a_store(), phone=a_phone())
    home = add(customer, **HOME)
    customer.client.put(f"{BOOK}/{home['id']}", json=WORK)

    stale = customer.client.put(f"{BOOK}/{home['id']}", json=HOME, headers={"If-Match": '"1"'})

    assert refused(stale) == (412, "stale_version")
    assert defaults(customer) == [("Level 4", True)]


@pytest.mark.parametrize(
    "address",
    [
        {},
        {"line1": "House"},
        {**HOME, "phone": "12345"},
        {**HOME, "country": "Bangladesh"},
        {**HOME, "customer_id": "cust_01h455vb4pex5vsknk084sn02q"},
        {**HOME, "line1": "x\x07y"},
    ],
)
def test_what_is_no_address_is_refused(address: dict[str, str]) -> None:
    customer = sign_in(a_store(), phone=a_phone())

    assert refused(customer.client.post(BOOK, json=address)) == (422, "validation_failed")
    assert defaults(customer) == []


def test_a_book_holds_fifty_however_many_come_at_once(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    for number in range(48):
        add(customer, line1=f"House {number}", city="Dhaka")

    with ThreadPoolExecutor(4) as tabs:
        answers = list(tabs.map(lambda _: customer.client.post(BOOK, json={**WORK, "is_default": True}), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 201, 409, 409]
    assert {refused(one) for one in answers if one.status_code == 409} == {(409, "too_many_addresses")}
    assert sql(
        "select count(*) as n, count(*) filter (where is_default) as d from customer_addresses where store_id = %s",
        store.id,
    ) == [{"n": 50, "d": 1}]


def test_a_replacement_says_which_parts_changed_and_not_what_they_are(sql: Sql) -> None:
    store = a_store()
    customer = sign_in(store, phone=a_phone())
    home = add(customer, **HOME)

    customer.client.put(f"{BOOK}/{home['id']}", json={**HOME, "line1": "House 9, Road 4", "city": "Sylhet"})

    [entry] = audited(sql, store, "customer_address.replaced")
    assert entry["before"] == {"line1": "H***(15)", "city": "D***(5)", "version": 1}
    assert entry["after"] == {"line1": "H***(15) (another)", "city": "S***(6)", "version": 2}
