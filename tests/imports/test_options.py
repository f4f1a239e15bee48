"""What a merchant may decide about an import, and which columns a file may have or lack."""

import pytest

from tests.factories import a_store
from tests.imports.files import COLUMNS, imported, opened, product, row, written
from tests.imports.test_products import on_hand, products

pytestmark = pytest.mark.usefixtures("watch")


@pytest.mark.parametrize(("publish", "status"), [("as_file", "active"), ("draft", "draft"), ("active", "active")])
def test_the_merchant_may_say_which_status_products_get(publish: str, status: str) -> None:
    store = a_store()

    imported(store, written([product("mug")]), publish=publish)

    assert products(store)[0]["status"] == status


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"Status": "active", "Published": "true"}, "active"),
        ({"Status": "active", "Published": "false"}, "draft"),
        ({"Status": "Draft", "Published": "true"}, "draft"),
        ({"Status": "archived", "Published": "true"}, "archived"),
        ({"Status": "", "Published": "TRUE"}, "active"),
        ({"Status": "", "Published": "no"}, "draft"),
        ({"Status": "", "Published": ""}, "draft"),
    ],
)
def test_status_and_publication_together_say_what_shoppers_see(cells: dict[str, str], status: str) -> None:
    store = a_store()

    imported(store, written([product("mug", **cells)]))

    assert products(store)[0]["status"] == status


def test_stock_may_be_left_as_it_is() -> None:
    store = a_store()
    imported(store, written([product("mug", Variant_Inventory_Qty="5")]))

    left = imported(store, written([product("mug", Variant_Inventory_Qty="9")]), stock="leave")
    after_leaving = on_hand(store, products(store)[0]["variants"][0])
    imported(store, written([product("mug", Variant_Inventory_Qty="9")]))

    assert left.counted("unchanged") == (1,)
    assert (after_leaving, on_hand(store, products(store)[0]["variants"][0])) == (5, 9)


def test_what_is_odd_and_not_wrong_is_a_warning() -> None:
    store = a_store()
    odd = product(
        "Tea Mug!",
        Variant_Inventory_Qty="-3",
        Variant_Compare_At_Price="12.50",
        Variant_Weight_Unit="stone",
    )

    done = imported(store, written([odd, row("Tea Mug!")]))

    assert sorted(code for _, code, _ in done.findings) == [
        "compare_at_not_above_price",
        "handle_changed",
        "quantity_below_zero",
        "row_without_content",
        "unknown_weight_unit",
    ]
    assert done.counted("created", "warnings", "errors") == (1, 5, 0)


def test_columns_may_come_in_any_order_in_any_case_under_new_names_and_be_missing() -> None:
    store = a_store()
    rows = [
        {"price": "12.50", "URL HANDLE": "mug", "title": "Tea mug", "Continue selling when out of stock": "CONTINUE"}
    ]

    done = imported(store, written(rows, list(rows[0])))

    assert done.counted("created", "errors") == (1, 0)
    assert products(store)[0]["variants"][0]["price"]["amount"] == 1250


def test_columns_that_are_not_taken_are_named_once() -> None:
    store = a_store()

    done = imported(store, written([product("mug", Colour="red")], [*COLUMNS, "Colour"]))

    assert [(line, code) for line, code, _ in done.findings] == [(1, "columns_left_out")]


def test_a_file_that_cannot_be_read_fails_with_the_reason() -> None:
    store = a_store()

    headless = imported(store, b"Name,Price\nmug,1\n").job
    empty = imported(store, b"").job
    missing = opened(store, b"")
    store.merchant.post(f"/jobs/{missing.job_id}/cancel")

    assert (headless["status"], empty["status"]) == ("failed", "failed")
    assert 'no column "Handle"' in headless["failure"]
    assert "empty" in empty["failure"]
