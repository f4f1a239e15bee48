"""Exports: the same form as imports take, so that what goes out comes in again as what it was."""

import json
from typing import Any

import pytest

from functions.imports import export
from infra.local import events
from shared.core import ids, storage
from shared.core.storage import Bucket
from shared.imports import exporting
from tests.factories import StoreUnderTest, a_store
from tests.imports.files import imported, product, row, written

pytestmark = pytest.mark.usefixtures("watch")

NASTY = [
    product(
        "formulas",
        Title="=HYPERLINK(1)",
        Vendor="@vendor",
        Variant_SKU="'0012",
        Variant_Barcode="+8801",
        Tags="-a, b",
        Type="'=1+1",
    ),
    product(
        "shirt",
        Title="Shirt",
        Option1_Name="Size",
        Option1_Value="-S",
        Option2_Name="Colour",
        Option2_Value="Red, dark",
        Variant_Compare_At_Price="15",
        Variant_Grams="250",
        Variant_Weight_Unit="kg",
        Cost_per_item="3.10",
        Image_Src="https://pictures.example/shirt.jpg",
        Image_Position="1",
        Image_Alt_Text='A "red" shirt,\nfolded',
        Variant_Image="https://pictures.example/red.jpg",
        Variant_Taxable="false",
        Variant_Requires_Shipping="false",
        Variant_Inventory_Policy="continue",
    )
    | {"Body (HTML)": '<p class="a">\r\nTwo\n\nlines; "quoted" &amp; =not a formula</p>'},
    row(
        "shirt",
        Option1_Value="M",
        Option2_Value="Blue",
        Variant_Price="0.01",
        Image_Src="https://pictures.example/back.jpg",
        Image_Position="2",
    ),
    row("shirt", Image_Src="https://pictures.example/third.jpg", Image_Position="3"),
    product("draft", Status="draft", Published="false", Variant_Inventory_Tracker=""),
    product("gone-out", Status="archived", Published="false"),
    product("চায়ের কাপ", Title="চায়ের কাপ", Tags="চা, কাপ"),
]


def test_what_was_exported_changes_nothing_when_it_is_imported() -> None:
    store = a_store()
    imported(store, written(NASTY))
    before = everything(store)

    file = exported(store)
    again = imported(store, file)

    assert again.findings == []
    assert again.counted("products", "unchanged", "created", "updated", "failed") == (5, 5, 0, 0, 0)
    assert everything(store) == before
    assert exported(store) == file


def test_another_store_that_imports_it_exports_the_same_bytes() -> None:
    first, second = a_store(), a_store()
    imported(first, written(NASTY))

    file = exported(first)
    taken = imported(second, file)

    assert taken.counted("created", "failed", "errors") == (5, 0, 0), taken.findings
    assert exported(second) == file


def test_products_that_no_file_could_have_made_come_back_as_they_are() -> None:
    store = a_store()
    made = store.merchant.post(
        "/products",
        json={
            "title": "Two of a kind",
            "tags": ["with, comma", "plain"],
            "variants": [
                {"sku": "A", "title": "First", "price": 100, "compare_at": 200},
                {"sku": "B", "title": "Second", "price": 100, "allow_backorder": True},
            ],
        },
    )
    assert made.status_code == 201, made.text
    before = everything(store)

    again = imported(store, exported(store))

    assert again.counted("unchanged", "updated", "failed") == (1, 0, 0), again.findings
    assert everything(store) == before


def test_no_cell_of_an_export_begins_as_a_formula_does() -> None:
    store = a_store()
    imported(store, written(NASTY))

    text = exported(store).decode()

    for beginning in ("=", "+", "@", '"=', '"+', '"@'):
        assert f",{beginning}" not in text
    assert ",'=HYPERLINK(1)," in text


def test_an_export_of_a_store_without_products_is_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PRODUCTS_A_PAGE", 2)
    store = a_store()

    empty = exported(store)
    imported(store, written([product(f"mug-{number}") for number in range(5)]))
    full = exported(store)

    assert (empty.count(b"\n"), full.count(b"\n")) == (1, 6)
    assert full.startswith(empty)


def exported(store: StoreUnderTest) -> bytes:
    """Export a store; return the file."""
    answer = store.merchant.post("/exports", json={"format": "shopify_csv"})
    assert answer.status_code == 201, answer.text
    job_id = answer.json()["id"]
    event = events.sqs_event("product-export-jobs", [json.dumps({"store_id": str(store.id)})])
    assert export.handler(event, events.context("export")) == {"batchItemFailures": []}
    job = store.merchant.get(f"/jobs/{job_id}").json()
    assert (job["status"], job["progress"]["percent"]) == ("succeeded", 100), job
    assert job["download_url"]
    key = storage.key_of(store.id, "exports", f"{ids.decode('job', job_id)}.csv")
    with storage.objects().open(Bucket.UPLOADS, key) as file:
        return file.read()


def everything(store: StoreUnderTest) -> list[dict[str, Any]]:
    """Return all products as their merchant reads them."""
    products: list[dict[str, Any]] = store.merchant.get("/products?limit=100&sort=created_at").json()["data"]
    return products
