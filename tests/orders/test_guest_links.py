"""The guest's link: opens one order of one store until its time is over, and nothing else does."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from shared.core import clock
from shared.orders import guest_links
from tests.client import Answer, Client
from tests.factories import StoreUnderTest, a_store, add_product
from tests.orders.purchases import an_order, id_of

pytestmark = pytest.mark.usefixtures("watch")


def link_to(store: StoreUnderTest, order: dict[str, object], *, days: int = 90) -> str:
    with store.session():
        return guest_links.address(store.id, id_of(order), publishable_key=store.publishable_key, days=days)


def follow(link: str) -> Answer:
    parts = urlsplit(link)
    return Client().get(parts.path.removeprefix("/api/v1") + "?" + parts.query)


def test_a_guest_reads_their_order_by_its_link_alone() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2})

    answer = follow(link_to(store, order))

    seen = answer.json()
    assert answer.status_code == 200
    assert (seen["number"], seen["total"]["amount"], seen["lines"][0]["quantity"]) == ("#1001", 8000, 2)
    assert (seen["name"], seen["city"]) == ("Rahim Uddin", "Dhaka")
    assert not [secret for secret in ("1712345678", "House 1", "trace") if secret in answer.text]
    assert answer.headers["cache-control"] == "no-store"


def test_the_link_begins_with_the_public_address_and_fits_a_text_message() -> None:
    store = a_store(stock={"MUG": 1})

    link = link_to(store, an_order(store))

    assert link.startswith("https://shop.test/api/v1/storefront/orders/ord_")
    assert len(dict(parse_qsl(urlsplit(link).query))["token"]) == 28


def test_a_link_whose_time_is_over_says_so() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)
    with clock.frozen(datetime(2027, 1, 1, tzinfo=UTC)) as time:
        link = link_to(store, order, days=90)
        time.tick(timedelta(days=89, hours=23))
        before = follow(link)
        time.tick(timedelta(hours=1))
        after = follow(link)

    assert (before.status_code, after.status_code, after.json()["code"]) == (200, 410, "link_expired")


def test_a_forged_link_opens_nothing() -> None:
    store = a_store(stock={"MUG": 5})
    order, neighbour = an_order(store), an_order(store)
    with store.session():
        token = guest_links.make(store.id, id_of(order), expires_at=clock.now() + timedelta(days=1))
    later = "____" + token[4:]  # the same signature under a later end
    flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
    forged = [later, flipped, token[:-1], token + "A", "", "x" * 28, "ÿ" * 28, token.swapcase()]

    answers = [store.shopper.get(f"/storefront/orders/{order['id']}", params={"token": one}) for one in forged]
    answers.append(store.shopper.get(f"/storefront/orders/{neighbour['id']}", params={"token": token}))

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "not_found")}


def test_a_link_opens_nothing_in_another_store() -> None:
    mine, theirs = a_store(stock={"MUG": 1}), a_store(stock={"MUG": 1})
    order = an_order(theirs)
    with theirs.session():
        token = guest_links.make(theirs.id, id_of(order), expires_at=clock.now() + timedelta(days=1))

    answer = mine.shopper.get(f"/storefront/orders/{order['id']}", params={"token": token})

    assert answer.status_code == 404


def test_neither_a_number_nor_an_id_opens_an_order_without_a_token() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)

    by_number = store.shopper.get("/storefront/orders/1001", params={"token": "x" * 28})
    without_token = store.shopper.get(f"/storefront/orders/{order['id']}")

    assert by_number.status_code == 404
    assert (without_token.status_code, without_token.json()["code"]) == (422, "validation_failed")


def test_the_page_shows_the_order_and_nothing_of_the_person() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, {"MUG": 2}, locale="en")
    parcel = {"tracking_url": "https://courier.example/PA-1?a=1&b=2"}
    store.merchant.post(f"/orders/{order['id']}/fulfillments", json=parcel, key=True)

    page = follow(link_to(store, order).replace("?", "/page?"))

    assert page.status_code == 200
    assert "<h1>Order #1001</h1>" in page.text
    assert "<td>2 × Product MUG</td><td>৳20.00</td>" in page.text
    assert "<td>Payment</td><td>to be paid</td>" in page.text
    assert "<td>Delivery</td><td>sent</td>" in page.text
    assert 'href="https://courier.example/PA-1?a=1&amp;b=2"' in page.text
    assert not [secret for secret in ("Rahim", "1712345678", "House 1", "token") if secret in page.text]


def test_the_page_runs_and_loads_nothing_and_tells_nobody_its_address() -> None:
    store = a_store()
    add_product(store, "EVIL", stock=1)
    product = store.merchant.get("/products").json()["data"][0]
    store.merchant.patch(f"/products/{product['id']}", json={"title": "<script>alert(1)</script><img src=x>"})
    order = an_order(store, {"EVIL": 1})

    page = follow(link_to(store, order).replace("?", "/page?"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("no-referrer", "no-store")


def test_a_canceled_order_says_so_on_its_page() -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store, locale="en-GB")
    store.merchant.post(f"/orders/{order['id']}/cancel", json={}, key=True)

    page = follow(link_to(store, order).replace("?", "/page?"))

    assert "This order was canceled." in page.text
    assert "to be paid" not in page.text


def test_the_page_is_as_closed_as_the_order() -> None:
    store = a_store(stock={"MUG": 1})
    order = an_order(store)

    forged = store.shopper.get(f"/storefront/orders/{order['id']}/page", params={"token": "x" * 28})

    assert (forged.status_code, forged.json()["code"]) == (404, "not_found")
