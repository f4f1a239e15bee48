"""A customer's orders: placed while signed in, or claimed by a contact that they have proven, and by nothing else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.checkout.purchases import CASH, Cart, a_cart
from tests.customers.shoppers import Customer, a_phone, an_email, audited, code_of, refused, sign_in, signed_in, told
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.orders.purchases import an_order

pytestmark = pytest.mark.usefixtures("watch")

ORDERS = "/storefront/account/orders"
SOMEBODY = {"name": "Rahima Khatun"}


def buy(store: StoreUnderTest, phone: str, by: Customer | None = None, cart: Cart | None = None) -> dict[str, Any]:
    """Buy a mug with this phone as its contact, signed in or as a guest."""
    cart = cart or a_cart(store, {"MUG": 1})
    path = f"/storefront/checkouts/{cart.started(contact={**SOMEBODY, 'phone': phone})}/complete"
    client = by.client if by else store.shopper
    answer = client.post(path, json=CASH, headers=cart.guest, key=True)
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()["order"]
    return order


def numbers(customer: Customer) -> list[str]:
    return [order["number"] for order in customer.client.get(ORDERS).json()["data"]]


def claim(customer: Customer) -> list[str]:
    answer = customer.client.post(f"{ORDERS}/claims")
    assert answer.status_code == 200, answer.text
    claimed: list[str] = answer.json()["order_ids"]
    return claimed


def test_an_order_that_was_placed_signed_in_is_the_customers_whatever_its_contact(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    customer = sign_in(store, phone=a_phone())

    order = buy(store, a_phone(), by=customer)

    read = customer.client.get(f"{ORDERS}/{order['id']}").json()
    seen = store.merchant.get(f"/orders/{order['id']}").json()
    [event] = sql("select payload from domain_events where store_id = %s and type = 'order.placed'", store.id)
    assert numbers(customer) == [order["number"]]
    assert (read["number"], read["lines"][0]["sku"], read["city"]) == (order["number"], "MUG", "Dhaka")
    assert seen["customer_id"] == customer.id
    assert event["payload"]["customer_id"] == customer.id
    assert audited(sql, store, "order.placed")[0]["after"]["customer_id"] == customer.id


def test_a_cart_that_was_filled_as_a_guest_becomes_the_order_of_who_signs_in_before_buying() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 1})
    customer = sign_in(store, phone=a_phone())

    order = buy(store, a_phone(), by=customer, cart=cart)

    assert numbers(customer) == [order["number"]]


def test_signed_in_or_not_the_carts_token_owns_the_cart() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 1})
    customer = sign_in(store, phone=a_phone())
    checkout_id = cart.started()

    without = customer.client.post(f"/storefront/checkouts/{checkout_id}/complete", json=CASH, key=True)

    assert refused(without) == (404, "not_found")
    assert numbers(customer) == []


def test_a_guest_order_is_a_guests_until_its_contact_is_proven_at_a_sign_in(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    phone = a_phone()
    first, second = buy(store, phone), buy(store, phone)
    before = store.merchant.get(f"/orders/{first['id']}").json()

    customer = sign_in(store, phone=phone)

    after = store.merchant.get(f"/orders/{first['id']}").json()
    assert (before["customer_id"], after["customer_id"]) == (None, customer.id)
    assert numbers(customer) == [second["number"], first["number"]]
    assert told(sql, store, "order.claimed") == [("order.claimed", 2)] * 2
    assert (before["version"], after["version"]) == (1, 2)
    entries = audited(sql, store, "order.claimed")
    assert [entry["after"] for entry in entries] == [{"customer_id": customer.id}] * 2


def test_an_order_that_an_integration_placed_is_claimed_like_a_guests() -> None:
    store = a_store(stock={"MUG": 5})
    email = an_email()
    order = an_order(store, contact={"name": "Rahim", "email": email.upper()})

    assert numbers(sign_in(store, email=email)) == [order["number"]]


def test_orders_that_come_later_are_claimed_on_demand() -> None:
    store = a_store(stock={"MUG": 5})
    phone = a_phone()
    customer = sign_in(store, phone=phone)
    order = buy(store, phone)
    before = numbers(customer)

    claimed, again = claim(customer), claim(customer)

    assert (before, claimed, again) == ([], [order["id"]], [])
    assert numbers(customer) == [order["number"]]


def test_a_contact_that_is_proven_later_brings_its_orders() -> None:
    store = a_store(stock={"MUG": 5})
    phone = a_phone()
    order = buy(store, phone)
    customer = sign_in(store, email=an_email())
    asked = customer.client.post("/storefront/account/contacts", json={"phone": phone})
    before = claim(customer)

    customer.client.post("/storefront/account/contacts/confirm", json=code_of(store, asked))

    assert (before, numbers(customer)) == ([], [order["number"]])


def test_an_order_of_another_customer_is_not_claimed_by_its_contact() -> None:
    store = a_store(stock={"MUG": 5})
    phone = a_phone()
    owner = sign_in(store, phone=a_phone())
    order = buy(store, phone, by=owner)

    other = sign_in(store, phone=phone)

    assert (claim(other), numbers(other), numbers(owner)) == ([], [], [order["number"]])


def test_of_two_claims_at_once_each_order_is_claimed_once(sql: Sql) -> None:
    store = a_store(stock={"MUG": 9})
    phone = a_phone()
    customer = sign_in(store, phone=phone)
    orders = {buy(store, phone)["id"] for _ in range(3)}

    with ThreadPoolExecutor(4) as tabs:
        claims = list(tabs.map(lambda _: claim(customer), range(4)))

    assert sorted(one for claimed in claims for one in claimed) == sorted(orders)
    assert told(sql, store, "order.claimed") == [("order.claimed", 2)] * 3


def test_neither_a_number_nor_an_id_gives_somebody_elses_order_away() -> None:
    store = a_store(stock={"MUG": 5})
    owner, me = sign_in(store, phone=a_phone()), sign_in(store, phone=a_phone())
    theirs, guests = buy(store, a_phone(), by=owner), buy(store, a_phone())

    answers = [me.client.get(f"{ORDERS}/{order['id']}") for order in (theirs, guests)]
    answers.append(me.client.get(f"{ORDERS}/{theirs['number'].removeprefix('#')}"))

    assert {refused(one) for one in answers} == {(404, "not_found")}
    assert (numbers(me), claim(me)) == ([], [])


def test_the_list_goes_page_by_page_and_takes_no_filter() -> None:
    store = a_store(stock={"MUG": 5})
    customer = sign_in(store, phone=a_phone())
    placed = [buy(store, a_phone(), by=customer)["number"] for _ in range(3)]

    first = customer.client.get(ORDERS, params={"limit": 2}).json()
    second = customer.client.get(ORDERS, params={"limit": 2, "cursor": first["page"]["next_cursor"]}).json()
    stray = customer.client.get(ORDERS, params={"customer_id": customer.id})

    assert [one["number"] for one in first["data"] + second["data"]] == placed[::-1]
    assert second["page"] == {"next_cursor": None, "has_more": False}
    assert refused(stray) == (400, "invalid_listing")


def test_what_a_customer_reads_of_a_claimed_order_holds_no_street_and_no_contact() -> None:
    store = a_store(stock={"MUG": 5})
    phone = a_phone()
    order = buy(store, phone)

    text = sign_in(store, phone=phone).client.get(f"{ORDERS}/{order['id']}").text

    assert not [secret for secret in (phone, "House 7", "1205") if secret in text]


def test_the_same_contact_claims_nothing_in_another_store() -> None:
    mine, theirs = a_store(stock={"MUG": 5}), a_store(stock={"MUG": 5})
    phone = a_phone()
    order = buy(theirs, phone)
    customer = sign_in(mine, phone=phone)

    assert (claim(customer), numbers(customer)) == ([], [])
    assert refused(customer.client.get(f"{ORDERS}/{order['id']}")) == (404, "not_found")
    crossed = signed_in(theirs, customer.access).post(f"{ORDERS}/claims")
    assert refused(crossed) == (401, "unauthenticated")
    assert theirs.merchant.get(f"/orders/{order['id']}").json()["customer_id"] is None


def test_a_guests_checkout_is_a_guests_and_an_ended_session_buys_nothing() -> None:
    store = a_store(stock={"MUG": 5})
    customer = sign_in(store, phone=a_phone())
    customer.client.delete("/storefront/session")
    cart = a_cart(store, {"MUG": 1})
    path = f"/storefront/checkouts/{cart.started()}/complete"

    ended = customer.client.post(path, json=CASH, headers=cart.guest, key=True)
    guest = store.shopper.post(path, json=CASH, headers=cart.guest, key=True)

    assert refused(ended) == (401, "unauthenticated")
    assert store.merchant.get(f"/orders/{guest.json()['order']['id']}").json()["customer_id"] is None


def test_the_merchant_lists_the_orders_of_one_customer() -> None:
    store = a_store(stock={"MUG": 5})
    customer = sign_in(store, phone=a_phone())
    order = buy(store, a_phone(), by=customer)
    buy(store, a_phone())

    listed = store.merchant.get("/orders", params={"customer_id": customer.id}).json()["data"]

    assert [(one["id"], one["customer_id"]) for one in listed] == [(order["id"], customer.id)]
