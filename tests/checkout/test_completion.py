"""Completing a checkout: one order, at the price and from the stock that were promised."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.core import clock, ids
from tests.checkout.purchases import CASH, Cart, a_cart
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")

EXPIRED = timedelta(minutes=15, seconds=1)


def test_a_checkout_becomes_an_order_with_its_payment_and_its_link(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()

    answer = cart.complete(checkout_id)

    body = answer.json()
    order = body["order"]
    assert answer.status_code == 201
    assert (order["number"], order["status"], order["payment_status"]) == ("#1001", "open", "pending")
    assert order["totals"]["total"] == {"amount": 96_000, "currency": "BDT"}
    assert stock_of(store, "MUG") == (3, 0)
    assert cart.read()["state"] == "converted"
    attempts = sql("select method, amount, status from payment_attempts where order_id = %s", order_uuid(order["id"]))
    assert attempts == [{"method": "cash_on_delivery", "amount": 96_000, "status": "pending"}]
    link = body["order_link"].split("/api/v1")[1]
    assert store.shopper.get(link).json()["number"] == "#1001"
    (converted,) = sql("select payload from domain_events where type = 'cart.converted' and entity_id = %s", cart.uuid)
    assert converted["payload"]["order_id"] == order["id"]


def test_without_an_idempotency_key_nothing_is_bought() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    path = f"/storefront/checkouts/{cart.started()}/complete"

    refused = store.shopper.post(path, json=CASH, headers=cart.guest)

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_required")
    assert stock_of(store, "MUG") == (5, 2)


def test_nobody_pays_in_a_way_that_the_store_lacks() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    path = f"/storefront/checkouts/{cart.started()}/complete"

    refused = store.shopper.post(path, json={"payment_method": "barter"}, headers=cart.guest, key=True)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/payment_method")
    assert orders_of(store) == 0


def test_another_guest_cannot_complete_or_read_it() -> None:
    store = a_store(stock={"MUG": 5})
    cart, stranger = a_cart(store, {"MUG": 2}), a_cart(store)
    checkout_id = cart.started()

    answers = [
        stranger.complete(checkout_id),
        store.shopper.get(f"/storefront/checkouts/{checkout_id}", headers=stranger.guest),
        store.shopper.get(f"/storefront/checkouts/{checkout_id}"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert orders_of(store) == 0


def test_a_retry_under_the_same_key_gets_the_same_answer() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()

    first, retry = (cart.complete(checkout_id, key="purchase-1") for _ in range(2))

    assert (first.status_code, retry.status_code) == (201, 201)
    assert retry.body == first.body
    assert retry.headers["idempotent-replayed"] == "true"
    assert orders_of(store) == 1


def test_two_tabs_with_two_keys_make_one_order_and_both_get_it() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()

    first, second = cart.complete(checkout_id, key="tab-1"), cart.complete(checkout_id, key="tab-2")

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["order"] == first.json()["order"]
    assert (orders_of(store), stock_of(store, "MUG")) == (1, (3, 0))


@pytest.mark.parametrize("keys", [["one"] * 20, [f"key-{number}" for number in range(20)]], ids=["one key", "20 keys"])
def test_twenty_completions_at_once_make_one_order(keys: list[str], sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()

    with ThreadPoolExecutor(20) as tabs:
        answers = list(tabs.map(lambda key: cart.complete(checkout_id, key=key), keys))

    placed = [answer for answer in answers if answer.status_code in (200, 201)]
    waiting = {(answer.status_code, answer.json()["code"]) for answer in answers if answer not in placed}
    assert placed
    assert waiting <= {(409, "request_in_flight")}  # what the same key is told while the first still runs
    assert len({answer.json()["order"]["id"] for answer in placed}) == 1
    if len(set(keys)) > 1:
        assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert (orders_of(store), stock_of(store, "MUG")) == (1, (3, 0))
    (counted,) = sql("select count(*) as attempts from payment_attempts where store_id = %s", store.id)
    assert counted["attempts"] == 1


def test_the_checkouts_price_holds_while_its_reservation_lasts() -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()
    change(store, "MUG", price=99_900)
    store.merchant.patch("/store", json={"settings": {"shipping_flat_rate": 99_900}})

    completed = cart.complete(checkout_id).json()

    assert completed["order"]["totals"]["total"]["amount"] == 96_000


def test_after_the_reservation_a_changed_price_is_shown_and_refused() -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    with clock.frozen(clock.now()) as frozen:
        checkout_id = cart.started()
        change(store, "MUG", price=50_000)
        frozen.tick(EXPIRED)

        refused = cart.complete(checkout_id)
        reads = store.shopper.get(f"/storefront/checkouts/{checkout_id}", headers=cart.guest).json()
        again = cart.start().json()
        completed = cart.complete(checkout_id)

    told = refused.json()
    assert (refused.status_code, told["code"]) == (409, "price_changed")
    assert (told["old"]["total"]["amount"], told["new"]["total"]["amount"]) == (96_000, 106_000)
    assert [line["unit_price"]["amount"] for line in told["old"]["lines"] + told["new"]["lines"]] == [45_000, 50_000]
    assert told["errors"][0]["code"] == "price_changed"
    assert (reads["state"], reads["is_reserved"], reads["totals"]["total"]["amount"]) == ("open", False, 96_000)
    assert (again["id"], again["totals"]["total"]["amount"]) == (checkout_id, 106_000)
    assert completed.json()["order"]["totals"]["total"]["amount"] == 106_000


def test_after_the_reservation_the_same_price_is_sold_if_there_is_stock() -> None:
    store = a_store(stock={"MUG": 5}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    with clock.frozen(clock.now()) as frozen:
        checkout_id = cart.started()
        frozen.tick(EXPIRED)

        completed = cart.complete(checkout_id)

    assert completed.status_code == 201
    assert stock_of(store, "MUG") == (3, 0)


def test_after_the_reservation_what_somebody_else_bought_is_out_of_stock() -> None:
    store = a_store(stock={"MUG": 2})
    slow, fast = a_cart(store, {"MUG": 2}), a_cart(store, {"MUG": 1})
    with clock.frozen(clock.now()) as frozen:
        checkout_id = slow.started()
        frozen.tick(EXPIRED)
        bought = fast.complete(fast.started())

        refused = slow.complete(checkout_id)

    assert bought.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert [short["available"] for short in refused.json()["shortages"]] == [1]
    assert (orders_of(store), stock_of(store, "MUG")) == (1, (1, 0))
    assert slow.read()["state"] == "active"


def test_after_the_reservation_what_is_not_sold_any_more_is_refused() -> None:
    store = a_store(stock={"MUG": 5})
    cart = a_cart(store, {"MUG": 2})
    with clock.frozen(clock.now()) as frozen:
        checkout_id = cart.started()
        product_id = store.merchant.get(f"/variants/{store.variant('MUG')}").json()["product_id"]
        store.merchant.delete(f"/products/{product_id}")
        frozen.tick(EXPIRED)

        refused = cart.complete(checkout_id)

    assert (refused.status_code, refused.json()["code"]) == (422, "not_sold")
    assert orders_of(store) == 0


def test_what_was_put_into_the_cart_after_the_start_is_not_lost_in_silence() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    cart = a_cart(store, {"MUG": 2})
    checkout_id = cart.started()
    cart.add("TEE")

    refused = cart.complete(checkout_id)
    cart.start()
    completed = cart.complete(checkout_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "cart_changed")
    assert completed.status_code == 201
    assert (stock_of(store, "MUG"), stock_of(store, "TEE")) == ((3, 0), (4, 0))


def test_a_cart_that_became_an_order_is_closed() -> None:
    cart = a_cart(a_store(stock={"MUG": 5}), {"MUG": 2})
    checkout_id = cart.started()
    cart.complete(checkout_id)

    refused = [cart.add("MUG"), cart.start()]
    canceled = cart.store.shopper.delete(f"/storefront/checkouts/{checkout_id}", headers=cart.guest)

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "cart_closed")] * 2
    assert (canceled.status_code, canceled.json()["code"]) == (409, "checkout_closed")


def test_what_is_not_counted_is_sold_beside_what_is() -> None:
    store = a_store(stock={"MUG": 5})
    add_product(store, "GIFT-WRAP", price=5_000, tracks_stock=False)
    cart = a_cart(store, {"MUG": 2, "GIFT-WRAP": 40})

    completed = cart.complete(cart.started())

    assert completed.status_code == 201, completed.text
    assert stock_of(store, "MUG") == (3, 0)


def test_an_order_of_nothing_to_pay_is_paid_at_once(sql: Sql) -> None:
    store = a_store(stock={"SAMPLE": 5}, price={"SAMPLE": 0}, settings={"shipping_flat_rate": 0})
    cart = a_cart(store, {"SAMPLE": 1})

    order = cart.complete(cart.started()).json()["order"]

    assert order["payment_status"] == "paid"
    assert sql("select 1 from payment_attempts where order_id = %s", order_uuid(order["id"])) == []


def test_of_fifty_shoppers_at_once_ten_get_the_ten_units(sql: Sql) -> None:
    settings = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000}
    store = a_store(stock={"MUG": 10}, settings=settings)
    carts = [a_cart(store, {"MUG": 1}) for _ in range(50)]

    with ThreadPoolExecutor(50) as shoppers:
        codes = list(shoppers.map(bought, carts))

    assert (codes.count("ordered"), codes.count("out_of_stock")) == (10, 40)
    assert (orders_of(store), stock_of(store, "MUG")) == (10, (0, 0))
    assert sql("select 1 from stock_reservations where store_id = %s", store.id) == []
    numbers = sql("select number from orders where store_id = %s order by number", store.id)
    assert [row["number"] for row in numbers] == list(range(1001, 1011))


def bought(cart: Cart) -> str:
    started = cart.start()
    if started.status_code != 201:
        return str(started.json()["code"])
    completed = cart.complete(started.json()["id"])
    return "ordered" if completed.status_code == 201 else str(completed.json()["code"])


def change(store: StoreUnderTest, sku: str, **facts: object) -> None:
    changed = store.merchant.patch(f"/variants/{store.variant(sku)}", json=facts)
    assert changed.status_code == 200, changed.text


def order_uuid(order_id: str) -> object:
    return ids.decode("ord", order_id)


def orders_of(store: StoreUnderTest) -> int:
    return len(store.merchant.get("/orders", params={"limit": 100}).json()["data"])


def stock_of(store: StoreUnderTest, sku: str) -> tuple[int, int]:
    level = store.stock(sku)
    return level["on_hand"], level["reserved"]
