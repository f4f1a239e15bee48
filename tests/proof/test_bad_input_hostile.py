"""Every operation with one thing in its request that is hostile: a value, a parameter, a header, the body's coding.

The rest of the request is one that succeeds, so what is hostile gets as far as it can.
"""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from tests.database import Sql
from tests.factories import a_store
from tests.figures import Figures
from tests.proof import fuzz
from tests.proof.bad_input_size import size
from tests.proof.bad_input_wire import Asked
from tests.proof.bad_input_world import ENDPOINTS, Target, cases, world_for

pytestmark = pytest.mark.usefixtures("application")


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_an_operation_survives_one_hostile_thing_in_a_request(name: str, sql: Sql, figures: Figures) -> None:
    world = world_for(name)
    targets = [Target(name, world, sql, figures, only=number) for number, _ in enumerate(cases(name))]

    for target in targets:
        kinds = _kinds(target)
        share = max(1, size().hostile // len(kinds) // len(targets))
        for kind in kinds:
            size().draw(st.data(), _attempt(target, kind), examples=share)

    assert "\n\n".join(target.told() for target in targets).strip() == ""


def test_any_text_that_is_taken_comes_back_as_it_was_sent() -> None:
    store = a_store(stock={"MUG": 1})
    product = store.merchant.get("/products").json()["data"][0]["id"]
    changed: list[str] = []

    def keep(text: str) -> None:
        edited = store.merchant.patch(f"/products/{product}", json={"description": text})
        read = store.merchant.get(f"/products/{product}").json()["description"]
        if edited.status_code == 200 and read != text:
            changed.append(text)

    size().draw(fuzz.JSON_TEXT, keep, examples=size().hostile * 2)

    assert changed == []


def test_a_price_is_taken_within_its_limits_alone_and_to_the_unit() -> None:
    store = a_store(stock={"MUG": 1})
    wrong: list[object] = []

    def try_price(price: object) -> None:
        edited = store.merchant.patch(f"/variants/{store.variant('MUG')}", json={"price": price})
        fits = isinstance(price, int) and 0 <= price <= 10**12
        taken = edited.status_code == 200 and edited.json()["price"]["amount"] == price
        if taken != fits or edited.status_code not in (200, 422):
            wrong.append(price)

    size().draw(st.one_of(fuzz.ANY_NUMBER, st.integers(0, 10**12)), try_price, examples=size().hostile * 2)

    assert wrong == []


def test_an_order_whose_total_no_column_could_hold_is_refused_and_takes_no_stock() -> None:
    skus = [f"GOLD-{number}" for number in range(12)]
    store = a_store(stock=dict.fromkeys(skus, 1000), price=dict.fromkeys(skus, 10**12))
    lines = [{"variant_id": store.variant(sku), "quantity": 1000} for sku in skus]
    buyer = {
        "contact": {"name": "Rahima", "phone": "01712345678"},
        "shipping_address": {"line1": "House 1", "city": "Dhaka"},
    }

    refused = store.merchant.post("/orders", json={**buyer, "lines": lines}, key=True)

    assert (refused.status_code, refused.json()["code"]) == (422, "total_too_large")
    assert {store.stock(sku)["on_hand"] for sku in skus} == {1000}


def _attempt(target: Target, kind: str) -> Callable[[DataObject], None]:
    """Return what tries one hostile thing of a kind, in a call that was not used up."""

    def attempt(data: DataObject) -> None:
        target.try_request(data.draw(_hostile(target, kind)))

    return attempt


def _kinds(target: Target) -> list[str]:
    kinds = ["headers", "queries"]
    if target.call().path:
        kinds.append("paths")
    if target.endpoint.method != "GET":
        kinds += ["bodies"] * 3
    return kinds


def _hostile(target: Target, kind: str) -> SearchStrategy[Asked]:
    call = target.call()
    asked = target.asked(call)
    match kind:
        case "headers":
            return fuzz.headers(asked)
        case "queries":
            parameters = target.operation.definition.raw.get("parameters", ())
            documented = [one["name"] for one in parameters if one["in"] == "query"]
            return fuzz.queries(asked, documented, {name: str(text) for name, text in call.query.items()})
        case "paths":
            return fuzz.paths(asked, [str(text) for text in call.path.values()])
        case _:
            return fuzz.bodies(asked)
