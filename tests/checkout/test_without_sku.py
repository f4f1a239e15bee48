"""What has no SKU is sold as well as anything: the merchant never gave it one."""

import pytest

from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

BUYER = {
    "contact": {"name": "Rahima", "phone": "+8801712345678"},
    "shipping_address": {"line1": "House 1", "city": "Dhaka"},
}


def test_variants_without_a_sku_are_put_in_a_cart_bought_and_fulfilled() -> None:
    store = a_store()
    sizes = [{"option_values": [size], "price": 1000, "stock": 5} for size in "SM"]
    body = {"title": "Tee", "status": "active", "options": ["Size"], "variants": sizes}
    small, medium = store.merchant.post("/products", json=body).json()["variants"]
    lines = [{"variant_id": one["id"], "quantity": 2} for one in (small, medium)]

    cart = store.shopper.post("/storefront/carts", json={"lines": lines})
    by_no_sku = store.shopper.post("/storefront/carts", json={"lines": [{"sku": "", "quantity": 1}]})
    order = store.merchant.post("/orders", json=BUYER | {"lines": lines}, key=True)

    assert [(line["sku"], line["quantity"]) for line in cart.json()["lines"]] == [("", 2), ("", 2)]
    assert by_no_sku.status_code == 422
    assert order.status_code == 201, order.text
    assert [(line["sku"], line["variant_title"]) for line in order.json()["lines"]] == [("", "S"), ("", "M")]
    assert [store.merchant.get(f"/inventory/{one['id']}").json()["available"] for one in (small, medium)] == [3, 3]
