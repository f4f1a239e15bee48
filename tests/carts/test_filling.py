"""A guest's cart over HTTP: taking it, filling it, and what it refuses."""

import pytest

from shared.core import ids
from tests.application import Watch
from tests.checkout.purchases import a_cart
from tests.database import Sql
from tests.factories import a_store, add_product

pytestmark = pytest.mark.usefixtures("watch")


def test_a_new_cart_tells_its_token_once_in_body_and_header(sql: Sql) -> None:
    store = a_store()

    taken = store.shopper.post("/storefront/carts")

    body = taken.json()
    assert taken.status_code == 201
    assert (body["state"], body["lines"], body["totals"], body["version"]) == ("active", [], None, 1)
    assert taken.headers["x-cart-token"] == body["token"]
    assert taken.headers["etag"] == '"1"'
    read = store.shopper.get(f"/storefront/carts/{body['id']}", headers={"X-Cart-Token": body["token"]})
    assert "token" not in read.json()
    (row,) = sql("select token_digest from carts where id = %s", ids.decode("cart", body["id"]))
    assert body["token"].encode() not in row["token_digest"]


def test_a_cart_can_begin_with_lines_and_the_same_variant_is_one_line() -> None:
    store = a_store(stock={"MUG": 9, "TEE": 9}, price={"MUG": 45_000, "TEE": 90_000})
    lines = [{"sku": "MUG"}, {"variant_id": store.variant("TEE"), "quantity": 2}, {"sku": "MUG", "quantity": 3}]

    taken = store.shopper.post("/storefront/carts", json={"lines": lines}).json()

    assert [(line["sku"], line["quantity"]) for line in taken["lines"]] == [("MUG", 4), ("TEE", 2)]
    assert [line["price"]["total"]["amount"] for line in taken["lines"]] == [180_000, 180_000]
    assert taken["totals"]["total"] == {"amount": 366_000, "currency": "BDT"}  # and 60.00 for shipping


def test_adding_what_is_there_already_makes_it_more() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})

    answer = cart.add("MUG", 3)

    assert answer.status_code == 200
    assert [(line["sku"], line["quantity"]) for line in answer.json()["lines"]] == [("MUG", 5)]
    assert answer.headers["etag"] == '"2"'


def test_a_line_can_be_changed_and_removed() -> None:
    cart = a_cart(a_store(stock={"MUG": 9, "TEE": 9}), {"MUG": 2, "TEE": 1})
    mug, tee = (line["id"] for line in cart.read()["lines"])

    changed = cart.set_quantity(mug, 7).json()
    emptied = cart.set_quantity(mug, 0).json()
    removed = cart.store.shopper.delete(f"/storefront/carts/{cart.id}/lines/{tee}", headers=cart.guest)

    assert [(line["sku"], line["quantity"]) for line in changed["lines"]] == [("MUG", 7), ("TEE", 1)]
    assert [line["sku"] for line in emptied["lines"]] == ["TEE"]
    assert (removed.status_code, removed.json()["lines"], removed.json()["totals"]) == (200, [], None)
    assert cart.set_quantity(tee, 1).status_code == 404


@pytest.mark.parametrize("token", [None, "", "ct_wrong", "ct_000000000000000000000000000000000000"])
def test_without_the_carts_own_token_there_is_no_cart(token: str | None) -> None:
    store = a_store(stock={"MUG": 9})
    cart, other = a_cart(store, {"MUG": 2}), a_cart(store)
    cart.token = other.token if token is None else token
    line = ids.encode("cline", ids.new_id())

    answers = [
        store.shopper.get(f"/storefront/carts/{cart.id}", headers=cart.guest),
        store.shopper.get(f"/storefront/carts/{cart.id}"),
        cart.add("MUG"),
        cart.set_quantity(line, 1),
        store.shopper.delete(f"/storefront/carts/{cart.id}/lines/{line}", headers=cart.guest),
        cart.start(),
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "not_found")] * 6


def test_another_stores_cart_does_not_exist() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})
    cart.store = a_store(stock={"MUG": 9})

    assert cart.add("MUG").status_code == 404
    assert cart.start().status_code == 404


def test_an_edit_that_is_based_on_an_old_version_is_refused() -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 2})
    line = cart.add("MUG").json()["lines"][0]["id"]

    refused = [cart.add("MUG", If_Match='"1"'), cart.set_quantity(line, 9, If_Match='"1"')]

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(412, "stale_version")] * 2
    assert {answer.headers["etag"] for answer in refused} == {'"2"'}
    assert cart.read()["lines"][0]["quantity"] == 3
    assert cart.add("MUG", If_Match='"2"').status_code == 200


@pytest.mark.parametrize("quantity", [0, -1, 1001, 1.5, "2", True, None])
def test_a_quantity_is_a_whole_number_up_to_a_thousand(quantity: object) -> None:
    cart = a_cart(a_store(stock={"MUG": 9}))
    path = f"/storefront/carts/{cart.id}/lines"

    refused = cart.store.shopper.post(path, json={"sku": "MUG", "quantity": quantity}, headers=cart.guest)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/quantity")
    assert cart.read()["lines"] == []


def test_a_line_holds_a_thousand_and_a_cart_a_hundred_lines() -> None:
    store = a_store()
    for number in range(101):
        add_product(store, f"SKU-{number}")
    cart = a_cart(store, {f"SKU-{number}": 1 for number in range(100)})

    one_more_line = cart.add("SKU-100")
    too_many = cart.add("SKU-0", 1000)
    many = cart.add("SKU-0", 999)

    assert (one_more_line.status_code, one_more_line.json()["code"]) == (422, "cart_full")
    assert (too_many.status_code, too_many.json()["code"]) == (422, "cart_full")
    assert (many.status_code, many.json()["lines"][0]["quantity"]) == (200, 1000)
    assert len(cart.read()["lines"]) == 100


def test_what_is_not_sold_cannot_be_added() -> None:
    store = a_store(stock={"MUG": 9})
    add_product(store, "DRAFT")
    draft = store.merchant.get(f"/variants/{store.variant('DRAFT')}").json()["product_id"]
    archived = store.merchant.patch(f"/products/{draft}", json={"status": "archived"})
    assert archived.status_code == 200, archived.text
    cart = a_cart(store)

    unknown, unsold = cart.add("NOTHING"), cart.add("DRAFT")
    taken = store.shopper.post("/storefront/carts", json={"lines": [{"sku": "MUG"}, {"sku": "DRAFT"}]})

    assert (unknown.status_code, unknown.json()["code"]) == (422, "not_sold")
    assert (unsold.status_code, unsold.json()["code"]) == (422, "not_sold")
    assert [error["pointer"] for error in taken.json()["errors"]] == ["/lines/1"]
    assert cart.read()["version"] == 1


def test_a_variant_is_named_by_id_or_by_sku_and_not_by_both() -> None:
    store = a_store(stock={"MUG": 9})
    both = {"sku": "MUG", "variant_id": store.variant("MUG")}

    refused = [store.shopper.post("/storefront/carts", json={"lines": [named]}) for named in (both, {"quantity": 1})]

    assert [answer.status_code for answer in refused] == [422, 422]


def test_every_change_leaves_its_audit_entry_and_its_event(sql: Sql) -> None:
    cart = a_cart(a_store(stock={"MUG": 9}), {"MUG": 1})
    line = cart.add("MUG", 2).json()["lines"][0]["id"]
    cart.set_quantity(line, 5)

    events = sql("select type, payload from domain_events where entity_id = %s order by entity_version", cart.uuid)
    entries = sql("select action, after from audit_entries where entity_id = %s order by id", cart.uuid)
    assert [event["type"] for event in events] == ["cart.created", "cart.updated", "cart.updated"]
    assert [(event["payload"]["version"], event["payload"]["item_count"]) for event in events] == [
        (1, 1),
        (2, 3),
        (3, 5),
    ]
    assert [entry["action"] for entry in entries] == ["cart.created", "cart.line_added", "cart.line_changed"]


def test_reading_a_cart_takes_five_statements_however_many_lines_it_has(watch: Watch) -> None:
    store = a_store(stock={"MUG": 9, "TEE": 9, "CAP": 9})
    cart = a_cart(store, {"MUG": 1, "TEE": 2, "CAP": 3})
    mark = len(watch.statements)

    cart.read()

    assert watch.count_since(mark) == 5  # authentication, cart, variants, store, stock
