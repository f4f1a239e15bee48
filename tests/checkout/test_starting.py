"""Starting a checkout: what it promises, to whom, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock, ids
from shared.core.encryption import blind_index
from tests.checkout.purchases import ADDRESS, CONTACT, a_cart
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")


def test_a_checkout_holds_price_and_stock_for_a_quarter_of_an_hour() -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})

    with clock.frozen(clock.now()) as frozen:
        answer = cart.start()
        until = (frozen.now() + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")

    body = answer.json()
    assert answer.status_code == 201
    assert (body["state"], body["is_reserved"], body["reserved_until"]) == ("open", True, until)
    assert body["totals"]["total"] == {"amount": 96_000, "currency": "BDT"}
    assert [(line["sku"], line["quantity"], line["price"]["total"]["amount"]) for line in body["lines"]] == [
        ("MUG", 2, 90_000)
    ]
    assert stock_of(store, "MUG") == (5, 2)


def test_what_people_write_is_brought_into_one_form() -> None:
    store = a_store(stock={"MUG": 5})
    contact = {"name": "  রহিমা খাতুন ", "phone": "০১৭১২-৩৪৫৬৭৮", "email": "Rahima@EXAMPLE.com"}

    body = a_cart(store, {"MUG": 1}).start(contact=contact, note="Ring twice.\nThen wait.").json()

    assert body["contact"] == {"name": "রহিমা খাতুন", "phone": "+8801712345678", "email": "Rahima@example.com"}
    assert (body["shipping_address"]["line2"], body["shipping_address"]["country"]) == ("Dhanmondi", "BD")
    assert body["note"] == "Ring twice.\nThen wait."


def test_a_phone_number_without_a_prefix_is_of_the_stores_country() -> None:
    store = a_store(stock={"MUG": 5}, country="IN")
    contact = {"name": "Asha", "phone": "098765 43210"}

    body = a_cart(store, {"MUG": 1}).start(contact=contact).json()

    assert body["contact"]["phone"] == "+919876543210"
    assert body["shipping_address"]["country"] == "IN"


@pytest.mark.parametrize(
    ("facts", "pointer"),
    [
        ({"contact": {"name": "Rahima"}}, "/contact"),
        ({"contact": {"name": "Rahima", "phone": "12345"}}, "/contact/phone"),
        ({"contact": {"name": "Rahima", "email": "nobody"}}, "/contact/email"),
        ({"contact": {"name": "", "phone": "01712345678"}}, "/contact/name"),
        ({"shipping_address": None}, "/shipping_address"),
        ({"shipping_address": ADDRESS | {"phone": "nine"}}, "/shipping_address/phone"),
        ({"shipping_address": {"line1": "House 7"}}, "/shipping_address/city"),
        ({"shipping_address": ADDRESS | {"line1": "x" * 301}}, "/shipping_address/line1"),
        ({"contact": CONTACT | {"role": "admin"}}, "/contact/role"),
    ],
)
def test_a_buyer_who_cannot_be_reached_or_sent_to_is_refused(facts: dict[str, Any], pointer: str) -> None:
    store = a_store(stock={"MUG": 5})

    refused = a_cart(store, {"MUG": 1}).start(**facts)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert stock_of(store, "MUG") == (5, 0)


def test_what_needs_no_parcel_needs_no_address() -> None:
    store = a_store()
    add_product(store, "E-BOOK", requires_shipping=False, tracks_stock=False)

    answer = a_cart(store, {"E-BOOK": 1}).start(shipping_address=None)

    assert (answer.status_code, answer.json()["shipping_address"]) == (201, None)


def test_an_empty_cart_cannot_be_bought() -> None:
    refused = a_cart(a_store()).start()

    assert (refused.status_code, refused.json()["code"]) == (422, "cart_empty")


def test_what_is_short_is_named_and_nothing_is_reserved(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5, "TEE": 1})
    cart = a_cart(store, {"MUG": 2, "TEE": 2})

    refused = cart.start()

    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert [short["available"] for short in refused.json()["shortages"]] == [1]
    assert (stock_of(store, "MUG"), stock_of(store, "TEE")) == ((5, 0), (1, 0))
    assert sql("select 1 from checkouts where cart_id = %s", cart.uuid) == []


def test_starting_again_renews_the_checkout_and_replaces_what_it_held() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    cart = a_cart(store, {"MUG": 4})
    first = cart.start().json()
    cart.set_quantity(cart.read()["lines"][0]["id"], 1)
    cart.add("TEE", 3)

    second = cart.start(contact=CONTACT | {"name": "Someone Else"}).json()

    assert (second["id"], second["version"]) == (first["id"], 2)
    assert second["contact"]["name"] == "Someone Else"
    assert (stock_of(store, "MUG"), stock_of(store, "TEE")) == ((5, 1), (5, 3))


def test_starting_again_in_vain_leaves_what_was_held() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 0})
    cart = a_cart(store, {"MUG": 4})
    checkout_id = cart.started()
    cart.add("TEE")

    refused = cart.start()

    assert refused.json()["code"] == "out_of_stock"
    assert stock_of(store, "MUG") == (5, 4)
    read = store.shopper.get(f"/storefront/checkouts/{checkout_id}", headers=cart.guest).json()
    assert (read["version"], [line["sku"] for line in read["lines"]]) == (1, ["MUG"])


def test_twenty_starts_of_one_cart_at_once_are_one_checkout() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 3})

    with ThreadPoolExecutor(20) as tabs:
        answers = list(tabs.map(lambda _: cart.start(), range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert stock_of(store, "MUG") == (5, 3)


def test_personal_data_stands_encrypted_and_nowhere_else(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 1})
    checkout_id = ids.decode("chk", cart.started(note="Beware of the dog"))

    (row,) = sql("select c.*, c::text as everything from checkouts c where id = %s", checkout_id)

    for told in ("Rahima", "1712345678", "Dhanmondi", "Beware", "127.0.0.1"):
        assert told not in row["everything"]
        assert told.encode() not in row["personal"]
    assert row["contact_index"] == blind_index(store.id, "checkouts.contact", "+8801712345678")
    records = sql(
        "select (select string_agg(a::text, '') from audit_entries a where a.store_id = %s) "
        "|| (select string_agg(e::text, '') from domain_events e where e.store_id = %s) as told",
        store.id,
        store.id,
    )
    assert "Rahima" not in records[0]["told"]
    assert "1712345678" not in records[0]["told"]


def test_one_phone_number_holds_five_checkouts_and_no_more() -> None:
    store = a_store(stock={"MUG": 50})
    with clock.frozen(clock.now()) as frozen:
        carts = [a_cart(store, {"MUG": 1}) for _ in range(7)]
        for cart in carts[:5]:
            cart.started()
            frozen.tick(timedelta(minutes=1))

        refused = carts[5].start(contact={"name": "Another name", "phone": "+880 1712 345678"})
        again = carts[0].start()
        other = carts[6].start(contact={"name": "Karim", "phone": "01812345678"})
        frozen.tick(timedelta(minutes=11))  # when the second one ends; the first was started again
        waited = carts[5].start()

    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (429, "too_many_holds", True)
    assert refused.headers["retry-after"] == "600"  # the first one began five minutes ago
    assert (again.status_code, other.status_code, waited.status_code) == (201, 201, 201)


def test_one_address_of_the_network_holds_no_more_than_the_store_allows() -> None:
    store = a_store(stock={"MUG": 50}, settings={"max_open_checkouts_per_ip": 3})
    carts = [a_cart(store, {"MUG": 1}) for _ in range(5)]
    for number, cart in enumerate(carts[:3]):
        cart.started(contact={"name": "Bot", "email": f"bot-{number}@example.com"})

    refused = carts[3].start(contact={"name": "Bot", "email": "bot-3@example.com"})
    store.shopper.source_ip = "203.0.113.9"
    elsewhere = carts[4].start(contact={"name": "Karim", "email": "karim@example.com"})

    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_holds")
    assert elsewhere.status_code == 201
    assert stock_of(store, "MUG") == (50, 4)


def test_a_guest_gives_a_checkout_up_and_its_stock_can_be_sold_again(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 5})
    checkout_id = cart.started()
    path = f"/storefront/checkouts/{checkout_id}"

    stranger = store.shopper.delete(path, headers=a_cart(store).guest)
    held = stock_of(store, "MUG")
    canceled, again = (store.shopper.delete(path, headers=cart.guest) for _ in range(2))

    assert (stranger.status_code, held) == (404, (5, 5))
    assert [(answer.status_code, answer.json()["state"]) for answer in (canceled, again)] == [(200, "canceled")] * 2
    assert stock_of(store, "MUG") == (5, 0)
    told = sql("select type from domain_events where entity_id = %s order by id", ids.decode("chk", checkout_id))
    assert [event["type"] for event in told] == ["checkout.started", "checkout.canceled"]
    refused = cart.complete(checkout_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "checkout_closed")
    assert cart.started() != checkout_id


def stock_of(store: StoreUnderTest, sku: str) -> tuple[int, int]:
    level = store.stock(sku)
    return level["on_hand"], level["reserved"]
