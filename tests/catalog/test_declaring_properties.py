"""What holds of every declaration, whatever the document: said twice, it changes nothing the second time."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.core import ids
from tests.application import Watch
from tests.catalog.declared import actions, declare, defined, mug
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

WORDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)
NAMES = st.sampled_from(["Red", "Blue", "L", "XL", "লাল", "ÄÖ"])


@st.composite
def variants(draw: st.DrawFn, options: int) -> list[dict[str, Any]]:
    """Draw variants that fit a product with so many options."""
    combinations = draw(
        st.lists(st.lists(NAMES, min_size=options, max_size=options), min_size=1, max_size=5, unique_by=tuple),
    )
    made = []
    for place, values in enumerate(combinations if options else combinations[:1]):
        price = draw(st.integers(0, 10**12 - 2))
        made.append(
            {
                "option_values": values,
                "price": price,
                "compare_at": draw(st.sampled_from([None, price + 1])),  # absent, an earlier one might be below it
                "sku": draw(st.sampled_from(["", f"SKU-{place}"])),
                **draw(
                    st.fixed_dictionaries(
                        {},
                        optional={
                            "cost": st.one_of(st.none(), st.integers(0, 10**12)),
                            "barcode": WORDS,
                            "weight_grams": st.one_of(st.none(), st.integers(0, 10**9)),
                            "weight_unit": st.sampled_from(["g", "kg", "oz", "lb"]),
                            "taxable": st.booleans(),
                            "tracks_stock": st.booleans(),
                            "on_hand": st.integers(0, 10**9),
                            "safety_stock": st.integers(0, 10**9),
                            "allow_backorder": st.booleans(),
                            "low_stock_threshold": st.one_of(st.none(), st.integers(0, 10**9)),
                            "custom_fields": st.sampled_from([{}, {"shade": "Teal"}]),
                            "image": st.sampled_from([None, {"url": "https://x.test/1.jpg"}]),
                        },
                    ),
                ),
            },
        )
    return made


@st.composite
def products(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a product that a store with `defined` things takes."""
    options = draw(st.lists(st.sampled_from(["Colour", "Size", "Cut"]), max_size=3, unique=True))
    return {
        "title": draw(st.sampled_from(["Mug", "চায়ের কাপ", "A" * 255])),
        "options": options,
        "variants": draw(variants(len(options))),
        **draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "description": WORDS,
                    "status": st.sampled_from(["draft", "active", "archived"]),
                    "vendor": WORDS,
                    "tags": st.lists(WORDS, max_size=4),
                    "seo_title": WORDS,
                    "brand": st.sampled_from([None, "weavers"]),
                    "categories": st.lists(st.sampled_from(["cups", "gifts"]), unique=True),
                    "labels": st.sampled_from([[], ["new"]]),
                    "attributes": st.fixed_dictionaries(
                        {},
                        optional={
                            "material": st.sampled_from([None, "clay", "glass"]),
                            "uses": st.lists(st.sampled_from(["hot", "cold"]), unique=True),
                            "height": st.sampled_from([9.5, "12.250", 0, "1e3", "-0.000001"]),
                            "glazed": st.booleans(),
                            "care": WORDS,
                        },
                    ),
                    "custom_fields": st.sampled_from([{}, {"origin": "Dhaka"}]),
                    "images": st.lists(
                        st.sampled_from([{"url": f"https://x.test/{n}.jpg", "alt": f"{n}"} for n in range(3)]),
                        unique_by=str,
                    ),
                },
            ),
        ),
    }


def exported(product: dict[str, Any]) -> dict[str, Any]:
    """Say what a product is, read over HTTP, as the document that declares it."""
    same = [
        "id",
        "external_id",
        "title",
        "slug",
        "description",
        "status",
        "vendor",
        "product_type",
        "tags",
        "seo_title",
        "seo_description",
        "attributes",
        "custom_fields",
        "options",
    ]
    of_variant = [
        "id",
        "external_id",
        "sku",
        "title",
        "option_values",
        "barcode",
        "weight_grams",
        "weight_unit",
        "taxable",
        "tax_code",
        "requires_shipping",
        "tracks_stock",
        "custom_fields",
        "position",
    ]
    pictures = {one["id"]: {"media_id": one["media_id"]} for one in product["images"]}
    return {
        **{name: product[name] for name in same},
        "brand": product["brand_id"],
        "categories": product["category_ids"],
        "labels": product["label_ids"],
        "images": [{"media_id": one["media_id"], "alt": one["alt"]} for one in product["images"]],
        "variants": [
            {
                **{name: one[name] for name in of_variant},
                **{name: one[name] and one[name]["amount"] for name in ("price", "compare_at", "cost")},
                "image": pictures.get(one["image_id"]),
            }
            for one in product["variants"]
        ],
    }


@pytest.fixture(scope="module")
def shop(application: None) -> StoreUnderTest:  # noqa: ARG001 -- it must be there
    """Return a store in which products may have everything."""
    store = a_store()
    defined(store)
    return store


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=products(), second=products())
def test_a_document_said_twice_is_unchanged_and_so_is_what_is_read_of_it(
    shop: StoreUnderTest, first: dict[str, Any], second: dict[str, Any]
) -> None:
    slug = f"p-{ids.new_id().hex}"

    for wanted in (first, second):
        named = {**wanted, "slug": slug, "variants": _named(wanted["variants"], slug)}
        [done] = declare(shop, named)
        assert done.problem is None, done.problem.errors
        product = shop.merchant.get(f"/products/{ids.encode('prod', done.product_id)}").json()  # type: ignore[arg-type]  # it was made

        assert actions(declare(shop, named)) == ["unchanged"]
        assert actions(declare(shop, exported(product))) == ["unchanged"]
        assert shop.merchant.get(f"/products/{product['id']}").json() == product


def _named(offers: list[dict[str, Any]], slug: str) -> list[dict[str, Any]]:
    return [{**one, "sku": one["sku"] and f"{slug}-{one['sku']}"} for one in offers]


def test_a_product_of_two_thousand_variants_costs_no_more_statements_than_another(
    shop: StoreUnderTest, watch: Watch
) -> None:
    def cost(*, count: int, price: int, kept: int) -> tuple[int, list[str]]:
        many: list[dict[str, Any]] = [
            {
                "option_values": [str(place // 50), str(place % 50)],
                "price": price,
                "sku": f"M-{count}-{place}",
                "on_hand": 1,
            }
            for place in range(kept)
        ]
        mark = len(watch.statements)
        outcomes = declare(shop, mug(count, options=["Row", "Seat"], variants=many))
        return watch.count_since(mark), actions(outcomes)

    small, large = (
        [
            cost(count=count, price=1, kept=count),
            cost(count=count, price=1, kept=count),
            cost(count=count, price=2, kept=count),
            cost(count=count, price=2, kept=1),
        ]
        for count in (2, 2000)
    )

    assert small == large == [(8, ["created"]), (4, ["unchanged"]), (7, ["updated"]), (7, ["updated"])]
    product = shop.merchant.get("/products", params={"slug": "mug-2000"}).json()["data"][0]
    assert product["variant_count"] == 1


def test_two_thousand_variants_are_made_read_deleted_and_restored_over_http(shop: StoreUnderTest, watch: Watch) -> None:
    many = [{"option_values": [str(place)], "price": 1, "stock": 1} for place in range(2000)]
    mark = len(watch.statements)

    made = shop.merchant.post("/products", json={"title": "Seats", "options": ["Seat"], "variants": many})
    statements = watch.count_since(mark)
    assert made.status_code == 201, made.text
    path = f"/products/{made.json()['id']}"
    more = shop.merchant.post(f"{path}/variants", json={"option_values": ["one more"], "price": 1})
    too_many = shop.merchant.post("/products", json={"title": "X", "options": ["S"], "variants": [*many, *many[:1]]})
    mark = len(watch.statements)
    deleted = shop.merchant.delete(path)
    deleting = watch.count_since(mark)
    mark = len(watch.statements)
    restored = shop.merchant.post(f"{path}/restore")

    assert (made.status_code, len(made.json()["variants"]), more.json()["code"]) == (201, 2000, "too_many_variants")
    assert too_many.json()["errors"][0]["pointer"] == "/variants"
    assert (len(deleted.json()["variants"]), len(restored.json()["variants"])) == (2000, 2000)
    assert max(statements, deleting, watch.count_since(mark)) <= 14
