"""What a shopper sees of a cart: present prices, warnings, and hints at the stock."""

import pytest

from tests.checkout.purchases import a_cart
from tests.factories import StoreUnderTest, a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")


def test_a_line_warns_when_its_price_has_changed_since_it_was_added() -> None:
    store = a_store(stock={"MUG": 9}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    set_price(store, "MUG", 50_000)

    (line,) = cart.read()["lines"]

    assert line["price_when_added"] == {"amount": 45_000, "currency": "BDT"}
    assert line["price"]["unit_price"] == {"amount": 50_000, "currency": "BDT"}
    assert line["price"]["total"]["amount"] == 100_000
    assert line["warnings"] == [
        {"code": "price_changed", "message": "One costs ৳500.00 now; it cost ৳450.00 when you added it."}
    ]


def test_who_adds_more_of_it_has_seen_the_new_price() -> None:
    store = a_store(stock={"MUG": 9}, price={"MUG": 45_000})
    cart = a_cart(store, {"MUG": 2})
    set_price(store, "MUG", 50_000)

    (line,) = cart.add("MUG").json()["lines"]

    assert (line["price_when_added"]["amount"], line["warnings"]) == (50_000, [])


@pytest.mark.parametrize(
    ("stock", "wanted", "hint", "left", "warnings"),
    [
        (100, 1, "enough", None, []),
        (6, 6, "enough", None, []),
        (5, 1, "low", 5, []),
        (20, 50, "low", 20, ["not_enough"]),
        (1, 2, "low", 1, ["not_enough"]),
        (0, 1, "none", 0, ["out_of_stock"]),
    ],
)
def test_stock_is_hinted_at_and_told_only_where_it_is_short(
    stock: int, wanted: int, hint: str, left: int | None, warnings: list[str]
) -> None:
    cart = a_cart(a_store(stock={"MUG": stock}), {"MUG": wanted})

    (line,) = cart.read()["lines"]

    assert (line["available"], line["left"]) == (hint, left)
    assert [warning["code"] for warning in line["warnings"]] == warnings


def test_what_is_not_counted_is_always_enough() -> None:
    store = a_store()
    add_product(store, "GIFT-WRAP", tracks_stock=False)

    (line,) = a_cart(store, {"GIFT-WRAP": 900}).read()["lines"]

    assert (line["available"], line["left"], line["warnings"]) == ("enough", None, [])


def test_what_is_not_sold_any_more_stays_in_sight_and_costs_nothing() -> None:
    store = a_store(stock={"MUG": 9, "TEE": 9}, price={"MUG": 45_000, "TEE": 90_000})
    cart = a_cart(store, {"MUG": 1, "TEE": 1})
    product_id = store.merchant.get(f"/variants/{store.variant('TEE')}").json()["product_id"]
    gone = store.merchant.delete(f"/products/{product_id}")
    assert gone.status_code < 300, gone.text

    seen = cart.read()

    assert [line["price"] is None for line in seen["lines"]] == [False, True]
    assert [warning["code"] for warning in seen["lines"][1]["warnings"]] == ["not_sold"]
    assert seen["totals"]["subtotal"]["amount"] == 45_000
    assert cart.start().json()["code"] == "not_sold"


def test_totals_follow_the_stores_tax_and_shipping_and_explain_themselves() -> None:
    settings = {"tax_rate": "0.15", "prices_include_tax": False, "shipping_flat_rate": 6_000}
    cart = a_cart(a_store(stock={"MUG": 9}, price={"MUG": 10_000}, settings=settings), {"MUG": 2})

    totals = cart.read()["totals"]

    amounts = {name: totals[name]["amount"] for name in ("subtotal", "tax", "shipping", "shipping_tax", "total")}
    assert amounts == {"subtotal": 20_000, "tax": 3_000, "shipping": 6_000, "shipping_tax": 900, "total": 29_900}
    assert sum(step["amount"]["amount"] for step in totals["trace"] if step["counts"]) == 29_900


def test_what_needs_no_parcel_costs_no_shipping() -> None:
    store = a_store()
    add_product(store, "E-BOOK", price=30_000, requires_shipping=False, tracks_stock=False)

    totals = a_cart(store, {"E-BOOK": 1}).read()["totals"]

    assert (totals["shipping"]["amount"], totals["total"]["amount"]) == (0, 30_000)


def test_a_cart_that_costs_more_than_can_be_paid_is_refused() -> None:
    store = a_store(price={"PALACE": 10**12}, stock={"PALACE": 9})
    for number in range(5):
        add_product(store, f"PALACE-{number}", price=10**12)
    cart = a_cart(store, {"PALACE": 1000})

    refused = [cart.add(f"PALACE-{number}", 1000) for number in range(5)]

    assert [answer.status_code for answer in refused] == [200, 200, 200, 422, 422]
    assert refused[-1].json()["code"] == "total_too_large"
    assert len(cart.read()["lines"]) == 4


def set_price(store: StoreUnderTest, sku: str, price: int) -> None:
    changed = store.merchant.patch(f"/variants/{store.variant(sku)}", json={"price": price})
    assert changed.status_code == 200, changed.text
