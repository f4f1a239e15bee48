"""Labels over HTTP."""

import pytest

from shared.catalog import labels
from tests.catalog.shelf import audited, code, told
from tests.database import Sql
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def test_labels_are_made_edited_and_removed_and_each_is_told(sql: Sql) -> None:
    store = a_store()

    made = [
        store.merchant.post("/labels", json=label).json()
        for label in ({"name": "NEW"}, {"name": "SALE", "color": "#CC0000"}, {"name": "HOT", "position": 50})
    ]
    where = f"/labels/{made[0]['id']}"
    edited = store.merchant.patch(where, json={"color": "#00ff00", "name": None}, headers={"If-Match": '"1"'})
    stale = store.merchant.delete(where, headers={"If-Match": '"1"'})
    listed = store.merchant.get("/labels").json()["data"]
    removed = store.merchant.delete(where)
    gone = [store.merchant.get(where).status_code, store.merchant.delete(where).status_code]

    assert [(one["slug"], one["color"], one["position"]) for one in made] == [
        ("new", "", 100),
        ("sale", "#cc0000", 200),
        ("hot", "", 50),
    ]
    assert (edited.json()["color"], edited.json()["version"]) == ("#00ff00", 2)
    assert code(stale) == (412, "stale_version")
    assert [one["name"] for one in listed] == ["HOT", "NEW", "SALE"]
    assert (removed.json()["version"], gone) == (3, [404, 404])
    assert told(sql, store, "label.")[3:] == [("label.updated", 2), ("label.deleted", 3)]
    assert audited(sql, store, "label.updated") == [({"color": ""}, {"color": "#00ff00"})]
    assert audited(sql, store, "label.deleted") == [({"name": "NEW", "slug": "new", "color": "#00ff00"}, {})]


@pytest.mark.parametrize("color", ["red", "#ccc", "#gggggg", "#cc0000 "])
def test_a_colour_that_is_none_is_refused(color: str) -> None:
    refused = a_store().merchant.post("/labels", json={"name": "SALE", "color": color})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/color")


def test_a_slug_that_is_taken_is_refused() -> None:
    store = a_store()
    store.merchant.post("/labels", json={"name": "SALE"})
    other = store.merchant.post("/labels", json={"name": "SALE"}).json()

    refused = store.merchant.patch(f"/labels/{other['id']}", json={"slug": "sale"})

    assert (other["slug"], code(refused)) == ("sale-2", (409, "slug_taken"))


def test_a_store_has_a_hundred_labels_at_most() -> None:
    store = a_store()
    for number in range(labels.MAX_LABELS):
        store.merchant.post("/labels", json={"name": f"Label {number}"})

    refused = store.merchant.post("/labels", json={"name": "One more"})

    assert code(refused) == (409, "too_many_labels")


def test_another_stores_label_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    label = theirs.merchant.post("/labels", json={"name": "SALE"}).json()
    where = f"/labels/{label['id']}"

    answers = [
        mine.merchant.get(where),
        mine.merchant.patch(where, json={"name": "Mine"}),
        mine.merchant.delete(where),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert theirs.merchant.get("/labels").json()["data"] == [label]
