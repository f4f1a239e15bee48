"""Importing products from files: what comes of good rows and of bad ones."""

from typing import Any

import pytest

from shared.imports import grouping
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.imports.files import imported, product, row, started, work, written

pytestmark = pytest.mark.usefixtures("watch")


def test_products_of_a_file_stand_in_the_store_as_it_says() -> None:
    store = a_store()
    file = written(
        [
            product(
                "shirt",
                Title="Shirt",
                Vendor="Aarong",
                Type="Clothes",
                Tags="cotton, summer",
                Option1_Name="Size",
                Option1_Value="S",
                Option2_Name="Colour",
                Option2_Value="Red",
                Variant_SKU="S-RED",
                Variant_Grams="249.5",
                Variant_Weight_Unit="kg",
                Variant_Compare_At_Price="15",
                Variant_Barcode="'0123456789",
                Cost_per_item="7.05",
                Variant_Taxable="false",
                Image_Src="https://pictures.example/shirt.jpg",
                Image_Alt_Text="A shirt",
            ),
            row("shirt", Option1_Value="M", Option2_Value="Red", Variant_SKU="M-RED", Variant_Price="1299"),
        ]
    )

    done = imported(store, file)

    assert (done.job["status"], done.findings) == ("succeeded", [])
    assert done.counted("rows", "products", "created", "failed") == (2, 1, 1, 0)
    [made] = products(store)
    assert (made["slug"], made["title"], made["status"], made["vendor"]) == ("shirt", "Shirt", "active", "Aarong")
    assert (made["product_type"], made["tags"], made["options"]) == (
        "Clothes",
        ["cotton", "summer"],
        ["Size", "Colour"],
    )
    small, medium = made["variants"]
    assert (small["sku"], small["option_values"], small["barcode"]) == ("S-RED", ["S", "Red"], "0123456789")
    assert (small["price"]["amount"], small["compare_at"]["amount"], small["cost"]["amount"]) == (1250, 1500, 705)
    assert (small["weight_grams"], small["weight_unit"], small["taxable"]) == (250, "kg", False)
    assert (medium["price"]["amount"], medium["option_values"]) == (129900, ["M", "Red"])
    assert on_hand(store, small) == 5
    assert len(made["images"]) == 1


def test_importing_the_same_file_again_changes_nothing(sql: Sql) -> None:
    store = a_store()
    file = written(
        [product(f"mug-{number}", Image_Src=f"https://pictures.example/{number}.jpg") for number in range(9)]
    )
    imported(store, file)
    before = products(store), events(sql, store)

    again = imported(store, file)

    assert again.counted("created", "updated", "unchanged") == (0, 0, 9)
    assert (products(store), events(sql, store)) == before


def test_an_import_changes_what_the_file_says_and_leaves_the_rest() -> None:
    store = a_store()
    imported(store, written([product("mug", Vendor="Aarong", Variant_SKU="MUG"), product("pot")]))

    done = imported(
        store, written([row("mug", Title="Big mug", Variant_SKU="MUG")], ["Handle", "Title", "Variant SKU"])
    )

    assert done.counted("created", "updated", "unchanged") == (0, 1, 0)
    mug = next(one for one in products(store) if one["slug"] == "mug")
    assert (mug["title"], mug["vendor"], mug["variants"][0]["price"]["amount"]) == ("Big mug", "Aarong", 1250)
    assert on_hand(store, mug["variants"][0]) == 5
    assert len(products(store)) == 2


@pytest.mark.parametrize(
    ("cells", "code", "column"),
    [
        ({"Variant_Price": "1,299.00"}, "no_number", "Variant Price"),
        ({"Variant_Price": "abc"}, "no_number", "Variant Price"),
        ({"Variant_Price": "1e3"}, "no_number", "Variant Price"),
        ({"Variant_Price": "১২"}, "no_number", "Variant Price"),
        ({"Variant_Price": "-5"}, "below_zero", "Variant Price"),
        ({"Variant_Price": "9.999"}, "too_many_decimals", "Variant Price"),
        ({"Variant_Price": "99999999999999"}, "too_large", "Variant Price"),
        ({"Variant_Compare_At_Price": "?"}, "no_number", "Variant Compare At Price"),
        ({"Cost_per_item": "free"}, "no_number", "Cost per item"),
        ({"Variant_Grams": "-1"}, "below_zero", "Variant Grams"),
        ({"Variant_Inventory_Qty": "1.5"}, "no_whole_number", "Variant Inventory Qty"),
        ({"Variant_Inventory_Policy": "maybe"}, "no_yes_or_no", "Variant Inventory Policy"),
        ({"Variant_Taxable": "si"}, "no_yes_or_no", "Variant Taxable"),
        ({"Variant_SKU": "x" * 300}, "string_too_long", "Variant SKU"),
        ({"Published": "perhaps"}, "no_yes_or_no", "Published"),
        ({"Status": "gone"}, "unknown_status", "Status"),
        ({"Title": ""}, "title_missing", "Title"),
        ({"Title": "x" * 300}, "string_too_long", "Title"),
        ({"Option1_Name": "", "Option1_Value": "Red"}, "option_without_name", "Option1 Name"),
        ({"Option1_Name": "Size", "Option1_Value": ""}, "option_value_missing", "Option1 Value"),
        ({"Option2_Value": "Red"}, None, ""),
    ],
)
def test_a_bad_row_is_reported_with_its_line_and_the_good_ones_are_kept(
    cells: dict[str, str], code: str | None, column: str
) -> None:
    store = a_store()

    done = imported(store, written([product("first"), product("bad", **cells), product("last")]))

    assert done.job["status"] == "succeeded"
    if code is None:
        assert done.counted("created", "failed") == (3, 0)
        return
    assert done.findings == [(3, code, column)]
    assert done.counted("rows", "created", "failed", "failed_rows", "errors") == (3, 2, 1, 1, 1)
    assert sorted(one["slug"] for one in products(store)) == ["first", "last"]


def test_of_a_product_with_a_bad_variant_the_good_ones_are_kept() -> None:
    store = a_store()
    file = written(
        [
            product("shirt", Option1_Name="Size", Option1_Value="S", Variant_SKU="S"),
            row("shirt", Option1_Value="M", Variant_SKU="M", Variant_Price="cheap"),
            row("shirt", Option1_Value="L", Variant_SKU="L", Variant_Price="10"),
        ]
    )

    done = imported(store, file)

    assert done.findings == [(3, "no_number", "Variant Price")]
    assert done.counted("created", "failed", "failed_rows") == (1, 0, 1)
    assert [one["sku"] for one in products(store)[0]["variants"]] == ["S", "L"]


def test_a_variant_whose_row_is_bad_stays_as_it_is() -> None:
    store = a_store()
    imported(store, written(a_shirt(price="10")))

    done = imported(store, written(a_shirt(price="ten", others="12")))

    assert done.counted("updated", "failed_rows") == (1, 1)
    prices = {one["sku"]: one["price"]["amount"] for one in products(store)[0]["variants"]}
    assert prices == {"S": 1200, "M": 1000, "L": 1200}


def test_a_bad_row_that_does_not_name_its_variant_takes_none_away() -> None:
    store = a_store()
    rows = [
        product("shirt", Option1_Name="Size", Option1_Value="S"),
        row("shirt", Option1_Value="M", Variant_Price="1"),
    ]
    imported(store, written(rows))
    rows[1] = row("shirt", Variant_Price="2")

    done = imported(store, written([*rows, product("mug")]))

    assert done.findings == [(3, "option_value_missing", "Option1 Value")]
    assert done.counted("created", "unchanged", "failed", "failed_rows") == (1, 1, 0, 1)
    assert len(next(one for one in products(store) if one["slug"] == "shirt")["variants"]) == 2


def test_a_variant_that_the_file_leaves_out_goes() -> None:
    store = a_store()
    imported(store, written(a_shirt(price="10")))

    done = imported(store, written(a_shirt(price="10")[:2]))

    assert done.counted("updated") == (1,)
    assert [one["sku"] for one in products(store)[0]["variants"]] == ["S", "M"]


def test_of_a_product_with_an_unreadable_row_the_others_are_taken_and_nothing_goes() -> None:
    store = a_store()
    picture = {"Image Src": "https://pictures.example/shirt.jpg"}
    imported(store, written([a_shirt(price="10")[0] | picture, *a_shirt(price="10")[1:]]))
    lines = written([*a_shirt(price="99"), product("mug")]).split(b"\n")
    lines[2] = lines[2][: lines[2].rindex(b",")]  # a cell is missing

    done = imported(store, b"\n".join(lines))

    assert [(line, code) for line, code, _ in done.findings] == [(3, "too_few_cells"), (2, "product_incomplete")]
    assert done.counted("created", "updated", "failed", "failed_rows") == (1, 1, 0, 1)
    shirt = next(one for one in products(store) if one["slug"] == "shirt")
    assert [one["price"]["amount"] for one in shirt["variants"]] == [1250, 1000, 9900]
    assert len(shirt["images"]) == 1


def test_rows_of_a_product_that_come_later_again_are_reported_and_not_taken() -> None:
    store = a_store()
    rows = [product("mug", Variant_SKU="A"), product("pot"), product("MUG", Variant_SKU="B", Title="Other")]

    done = imported(store, written(rows))

    assert done.findings == [(4, "handle_came_before", "MUG")]
    assert done.counted("created", "failed", "failed_rows") == (2, 1, 1)
    assert next(one for one in products(store) if one["slug"] == "mug")["title"] == "Tea mug"


def test_that_is_so_over_batches_and_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "PRODUCTS_A_BATCH", 2)
    store = a_store()
    rows = [product(f"mug-{number % 5}") for number in range(7)]

    done = imported(store, written(rows))

    assert done.findings == [(7, "handle_came_before", "mug-0"), (8, "handle_came_before", "mug-1")]
    assert done.counted("products", "created", "failed") == (7, 5, 2)


def test_the_same_sku_in_two_products_is_reported() -> None:
    store = a_store()

    done = imported(store, written([product("mug", Variant_SKU="A"), product("pot", Variant_SKU="A")]))

    assert [(line, code) for line, code, _ in done.findings] == [(3, "sku_taken")]
    assert done.counted("created", "failed") == (1, 1)


def test_the_same_variant_twice_in_a_product_is_reported() -> None:
    store = a_store()
    rows = [*a_shirt(price="10"), row("shirt", Option1_Value="XL", Variant_SKU="M", Variant_Price="1")]

    done = imported(store, written([*rows, row("shirt", Option1_Value="S", Variant_Price="1")]))

    assert [(line, code) for line, code, _ in done.findings] == [(5, "variant_given_twice"), (6, "variant_given_twice")]
    assert [one["sku"] for one in products(store)[0]["variants"]] == ["S", "M", "L"]


def test_products_without_skus_are_products() -> None:
    store = a_store()
    rows = [product("mug"), product("shirt", Option1_Name="Size", Option1_Value="S")]
    rows += [row("shirt", Option1_Value="M", Variant_Price="2"), product("pot")]

    first, second = imported(store, written(rows)), imported(store, written(rows))

    assert first.counted("created", "errors") == (3, 0)
    assert second.counted("unchanged", "errors") == (3, 0)


def test_two_thousand_variants_are_one_product_and_one_more_is_too_much() -> None:
    store = a_store()
    rows = [product("wall-paint", Option1_Name="Colour", Option1_Value="0")]
    rows += [row("wall-paint", Option1_Value=str(number), Variant_Price="1") for number in range(1, 2000)]

    whole = imported(store, written(rows))
    more = imported(store, written([*rows, row("wall-paint", Option1_Value="x", Variant_Price="1")]))

    assert whole.counted("rows", "created", "errors") == (2000, 1, 0), whole.findings[:3]
    assert more.counted("failed", "failed_rows") == (1, 2001)
    assert len(more.findings) == 1


def test_what_begins_as_a_formula_is_text() -> None:
    store = a_store()

    imported(store, written([product("mug", Title="=cmd|' /C calc'!A0", Vendor="@SUM(1)", Variant_SKU="-1+1")]))

    [made] = products(store)
    assert (made["title"], made["vendor"]) == ("=cmd|' /C calc'!A0", "@SUM(1)")
    assert made["variants"][0]["sku"] == "-1+1"


def test_a_dry_run_reports_the_same_and_changes_nothing(sql: Sql) -> None:
    store = a_store()
    imported(store, written([product("mug")]))
    before = products(store), events(sql, store)
    file = written([product("mug", Title="Other"), product("pot"), product("bad", Variant_Price="?"), product("pot")])

    dry = imported(store, file, dry_run=True)
    unchanged = products(store), events(sql, store)
    real = imported(store, file)

    assert dry.job["dry_run"]
    assert unchanged == before
    assert (dry.job["counts"], dry.findings) == (real.job["counts"], real.findings)
    assert dry.counted("created", "updated", "failed") == (1, 1, 2)


def test_a_dry_run_reports_what_batches_take_from_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "PRODUCTS_A_BATCH", 2)
    store = a_store()
    skus = ["A", "B", "C", "A", "B"]
    rows = [product(f"mug-{number}", Variant_SKU=sku) for number, sku in enumerate(skus)]
    rows[1]["Variant Price"] = "?"  # so that its SKU is nobody's

    dry, real = imported(store, written(rows), dry_run=True), imported(store, written(rows))

    assert (dry.job["counts"], dry.findings) == (real.job["counts"], real.findings)
    assert [(line, code) for line, code, _ in dry.findings] == [(3, "no_number"), (5, "sku_taken")]


def test_a_batch_costs_few_statements_however_many_products_it_has(watch: Watch) -> None:
    store = a_store()
    few = started(store, written([product(f"few-{number}") for number in range(3)]))
    mark = len(watch.statements)
    work(store.id)
    costs_few = watch.count_since(mark)
    many = started(store, written([product(f"many-{number}") for number in range(140)]))
    mark = len(watch.statements)
    work(store.id)

    costs_many = watch.count_since(mark)

    assert costs_many == costs_few
    assert (few.counted("created"), many.counted("created")) == ((3,), (140,))


def a_shirt(*, price: str, others: str | None = None) -> list[dict[str, str]]:
    rest = {} if others is None else {"Variant_Price": others}
    return [
        product("shirt", Option1_Name="Size", Option1_Value="S", Variant_SKU="S", **rest),
        row("shirt", Option1_Value="M", Variant_SKU="M", Variant_Price=price),
        row("shirt", Option1_Value="L", Variant_SKU="L", Variant_Price=others or price),
    ]


def products(store: StoreUnderTest) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = store.merchant.get("/products?limit=100").json()["data"]
    return listed


def on_hand(store: StoreUnderTest, variant: dict[str, Any]) -> int:
    read: int = store.merchant.get(f"/inventory/{variant['id']}").json()["on_hand"]
    return read


def events(sql: Sql, store: StoreUnderTest) -> int:
    return len(sql("select 1 from domain_events where store_id = %s and entity in ('product', 'variant')", store.id))
