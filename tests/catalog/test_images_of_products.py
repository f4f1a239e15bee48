"""The pictures of products: ordered, with a text, shown by variants."""

from typing import Any

import pytest

from shared.core import ids
from tests.catalog.declared import actions, declare, mug
from tests.catalog.shelf import audited, code, make, told
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

FRONT, BACK = "https://pictures.test/front.jpg", "https://pictures.test/back.jpg"


def a_picture(sql: Sql, store: StoreUnderTest) -> str:
    """Announce a picture; return its id as the wire has it."""
    media_id = ids.new_id()
    sql(
        "insert into media_assets (store_id, id, status, source, due_at, created_at, updated_at) "
        "values (%s, %s, 'awaiting_upload', 'upload', now(), now(), now())",
        store.id,
        media_id,
    )
    return ids.encode("media", media_id)


def put(store: StoreUnderTest, product: dict[str, Any], *images: dict[str, Any]) -> dict[str, Any]:
    """Say which pictures a product has; return it."""
    answer = store.merchant.put(f"/products/{product['id']}/images", json={"images": list(images)})
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


def test_pictures_are_put_in_their_order_and_stay_themselves_when_moved(sql: Sql) -> None:
    store = a_store()
    product, first, second = make(store, "MUG"), a_picture(sql, store), a_picture(sql, store)

    made = put(store, product, {"media_id": first, "alt": "Front"}, {"media_id": second})
    moved = put(store, product, {"media_id": second, "alt": "Back"}, {"media_id": first})
    same = put(store, product, {"media_id": second}, {"media_id": first})
    fewer = put(store, product, {"media_id": first})

    one, two = made["images"]
    assert (one["position"], one["alt"], two["position"], two["alt"]) == (1, "Front", 2, "")
    assert moved["images"] == [{**two, "position": 1, "alt": "Back"}, {**one, "position": 2}]
    assert same == moved
    assert fewer["images"] == [{**one, "position": 1}]
    assert told(sql, store, "product.") == [("product.created", 1), *(("product.updated", n) for n in (2, 3, 4))]
    assert audited(sql, store, "product.updated")[0] == (
        {"images": []},
        {
            "images": [
                {"media_id": str(ids.decode("media", first)), "alt": "Front"},
                {"media_id": str(ids.decode("media", second)), "alt": ""},
            ],
        },
    )


def test_a_variant_shows_a_picture_of_its_product_until_that_goes(sql: Sql) -> None:
    store = a_store()
    product, picture, foreign = make(store, "MUG"), a_picture(sql, store), a_picture(sql, store)
    path = f"/variants/{store.variant('MUG')}"
    image = put(store, product, {"media_id": picture})["images"][0]

    shown = store.merchant.patch(path, json={"image": {"media_id": picture}}).json()
    refused = store.merchant.patch(path, json={"image": {"media_id": foreign}})
    gone = put(store, product)

    assert (shown["image_id"], code(refused)) == (image["id"], (422, "validation_failed"))
    assert [variant["image_id"] for variant in gone["variants"]] == [None]
    assert (gone["variants"][0]["version"], told(sql, store, "variant.")[-1]) == (3, ("variant.updated", 3))


def test_a_picture_that_is_not_there_is_refused_and_one_is_named_once(sql: Sql) -> None:
    store, other = a_store(), a_store()
    product, mine, theirs = make(store, "MUG"), a_picture(sql, store), a_picture(sql, other)
    path = f"/products/{product['id']}/images"

    refused = [
        store.merchant.put(path, json={"images": [{"media_id": theirs}]}),
        store.merchant.put(path, json={"images": [{"media_id": mine}, {"media_id": mine}]}),
        store.merchant.put(path, json={"images": [{"media_id": mine, "url": FRONT}]}),
        store.merchant.put(path, json={"images": [{"url": "https://user:secret@pictures.test/1.jpg"}]}),
        store.merchant.put(path, json={"images": [{"media_id": mine}] * 251}),
    ]
    stale = store.merchant.put(path, json={"images": [{"media_id": mine}]}, headers={"If-Match": '"7"'})

    assert [(answer.status_code, answer.json()["errors"][0]["pointer"]) for answer in refused] == [
        (422, "/images/0"),
        (422, "/images/1"),
        (422, "/images/0"),
        (422, "/images/0"),
        (422, "/images"),
    ]
    assert code(stale) == (412, "stale_version")
    assert store.merchant.get(f"/products/{product['id']}").json() == product


def test_addresses_are_fetched_once_and_variants_add_theirs(sql: Sql) -> None:
    store = a_store()
    wanted = mug(
        1,
        images=[{"url": FRONT, "alt": "Front"}],
        options=["Side"],
        variants=[
            {"option_values": ["Front"], "price": 1, "image": {"url": FRONT}},
            {"option_values": ["Back"], "price": 1, "image": {"url": BACK}},
        ],
    )

    made, again = declare(store, wanted), declare(store, wanted)
    other = declare(store, mug(2, images=[{"url": BACK}]))

    assert [actions(one) for one in (made, again, other)] == [["created"], ["unchanged"], ["created"]]
    product = store.merchant.get("/products", params={"slug": "mug-1"}).json()["data"][0]
    front, back = product["images"]
    assert [one["image_id"] for one in product["variants"]] == [front["id"], back["id"]]
    assert sql("select source_url from media_assets where store_id = %s order by id", store.id) == [
        {"source_url": FRONT},
        {"source_url": BACK},
    ]
