"""Categories over HTTP: making, editing, deleting, restoring and reading the tree."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.catalog import category_tree
from shared.core import clock, ids
from tests.application import Watch
from tests.catalog.shelf import audited, code, told
from tests.catalog.tree import category, drawn, move, path, plant
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def a_picture(sql: Sql, store: StoreUnderTest, status: str = "queued") -> str:
    media_id = ids.new_id()
    sql(
        "insert into media_assets (store_id, id, status, source, due_at, created_at, updated_at) "
        "values (%s, %s, 'queued', 'upload', now(), now(), now())",
        store.id,
        media_id,
    )
    if status != "queued":
        sql("update media_assets set status = 'processing' where id = %s", media_id)
        sql("update media_assets set status = %s, due_at = null where id = %s", status, media_id)
    return ids.encode("media", media_id)


def test_a_category_is_made_below_another_with_all_that_it_says(sql: Sql) -> None:
    store = a_store()
    top, picture = category(store, "Kitchen"), a_picture(sql, store)

    answer = store.merchant.post(
        "/categories",
        json={
            "name": " Tea & Coffee ",
            "parent_id": top["id"],
            "description": "<p>Hot</p>",
            "seo_title": "Tea",
            "seo_description": "All of it",
            "media_id": picture,
        },
    )

    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    assert (made["name"], made["slug"], made["parent_id"], made["position"]) == (
        "Tea & Coffee",
        "tea-coffee",
        top["id"],
        100,
    )
    assert (made["seo_title"], made["seo_description"], made["media_id"]) == ("Tea", "All of it", picture)
    assert store.merchant.get(f"/categories/{made['id']}").json() == made
    assert told(sql, store, "category.") == [("category.created", 1), ("category.created", 1)]
    assert audited(sql, store, "category.created")[1] == (
        None,
        {"name": "Tea & Coffee", "slug": "tea-coffee", "parent_id": str(ids.decode("cat", top["id"]))},
    )


def test_slugs_are_numbered_and_one_that_is_given_twice_is_refused(sql: Sql) -> None:
    store = a_store()
    slugs = [category(store, name)["slug"] for name in ("Cups", "Cups", "চা", "চা")]

    refused = store.merchant.post("/categories", json={"name": "Others", "slug": "cups"})
    renamed = store.merchant.patch(f"/categories/{category(store, 'X')['id']}", json={"slug": "cups"})

    assert slugs == ["cups", "cups-2", "category", "category-2"]
    assert [code(one) for one in (refused, renamed)] == [(409, "slug_taken")] * 2
    assert refused.json()["slug"] == "cups"
    assert sql("select count(*) as made from categories where store_id = %s", store.id) == [{"made": 5}]


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"slug": "Tea Cups"}, "/slug"),
        ({"position": -1}, "/position"),
        ({"position": 1.5}, "/position"),
        ({"parent_id": "prod_01h455vb4pex5vsknk084sn02q"}, "/parent_id"),
        ({"parent_id": "cat_01h455vb4pex5vsknk084sn02q"}, "/parent_id"),
        ({"media_id": "media_01h455vb4pex5vsknk084sn02q"}, "/media_id"),
    ],
)
def test_what_is_no_category_is_refused_with_the_field_that_is_wrong(wrong: dict[str, Any], pointer: str) -> None:
    store = a_store()

    refused = store.merchant.post("/categories", json={"name": "Cups", **wrong})

    assert (refused.status_code, [error["pointer"] for error in refused.json()["errors"]]) == (422, [pointer])
    assert drawn(store) == ""


def test_a_picture_that_was_refused_or_is_anothers_is_none(sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    cups = category(mine, "Cups")
    refused = a_picture(sql, mine, "refused")

    answers = [
        mine.merchant.patch(f"/categories/{cups['id']}", json={"media_id": picture})
        for picture in (refused, a_picture(sql, theirs))
    ]
    taken = mine.merchant.patch(f"/categories/{cups['id']}", json={"media_id": a_picture(sql, mine, "ready")})
    away = mine.merchant.patch(f"/categories/{cups['id']}", json={"media_id": None})

    assert [answer.json()["errors"][0]["code"] for answer in answers] == ["unknown_media"] * 2
    assert (taken.status_code, away.json()["media_id"], away.json()["version"]) == (200, None, 3)


def test_an_edit_changes_what_it_names_and_says_so(sql: Sql) -> None:
    store = a_store()
    before = category(store, "Cups")
    where = f"/categories/{before['id']}"

    edited = store.merchant.patch(where, json={"name": "Mugs", "seo_title": ""}, headers={"If-Match": '"1"'})
    nothing = store.merchant.patch(where, json={"name": "Mugs", "slug": None})
    stale = store.merchant.patch(where, json={"name": "Jugs"}, headers={"If-Match": '"1"'})

    changes = {"name": "Mugs", "version": 2, "updated_at": edited.json()["updated_at"]}
    assert edited.json() == before | changes
    assert nothing.json() == edited.json()
    assert (code(stale), stale.json()["current_version"]) == ((412, "stale_version"), 2)
    assert audited(sql, store, "category.updated") == [({"name": "Cups"}, {"name": "Mugs"})]
    events = sql("select payload from domain_events where store_id = %s and type = 'category.updated'", store.id)
    assert [event["payload"]["changed"] for event in events] == [["name"]]


def test_of_many_who_give_one_slug_at_once_one_gets_it_and_a_retry_is_told_the_same(sql: Sql) -> None:
    store = a_store()
    body, keys = {"name": "Cups", "slug": "cups"}, [str(ids.new_id()) for _ in range(5)]

    def make(key: str) -> Answer:
        return store.merchant.post("/categories", json=body, key=key)

    with ThreadPoolExecutor(5) as merchants:
        answers = list(merchants.map(make, keys))
    again = [make(key) for key in keys]

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4
    assert [answer.body for answer in again] == [answer.body for answer in answers]
    assert sql("select count(*) as made from categories where store_id = %s", store.id) == [{"made": 1}]


def test_siblings_stand_in_the_order_of_their_positions() -> None:
    store = a_store()
    top = category(store, "Kitchen")
    for name, position in (("Cups", None), ("Jugs", None), ("Bowls", 150), ("Lids", 0)):
        category(store, name, top, position=position)
    category(store, "Garden", position=50)

    listed = store.merchant.get("/categories", params={"parent_id": top["id"], "sort": "position"}).json()["data"]
    roots = store.merchant.get("/categories?parent_id[null]=true&sort=name").json()["data"]

    assert [(one["name"], one["position"]) for one in listed] == [
        ("Lids", 0),
        ("Cups", 100),
        ("Bowls", 150),
        ("Jugs", 200),
    ]
    assert [one["name"] for one in roots] == ["Garden", "Kitchen"]
    assert drawn(store) == "Garden\nKitchen\n  Lids\n  Cups\n  Bowls\n  Jugs"


def test_a_category_with_children_is_not_deleted() -> None:
    store = a_store()
    top, cups = path(store, "Kitchen", "Cups")

    refused = store.merchant.delete(f"/categories/{top['id']}")
    in_turn = [store.merchant.delete(f"/categories/{one['id']}").status_code for one in (cups, top)]

    assert (code(refused), refused.json()["children"]) == ((409, "category_has_children"), 1)
    assert (in_turn, drawn(store)) == ([200, 200], "")


def test_a_deleted_category_is_nowhere_and_comes_back_to_its_place(sql: Sql) -> None:
    store = a_store()
    top, cups = path(store, "Kitchen", "Cups")
    where = f"/categories/{cups['id']}"

    deleted = store.merchant.delete(where, headers={"If-Match": '"1"'})
    gone = [
        store.merchant.get(where).status_code,
        store.merchant.patch(where, json={"name": "X"}).status_code,
        store.merchant.delete(where).status_code,
        move(store, cups, None).status_code,
        store.merchant.post("/categories", json={"name": "X", "parent_id": cups["id"]}).status_code,
        [one["name"] for one in store.merchant.get("/categories").json()["data"]],
        [one["name"] for one in store.merchant.get("/categories?deleted_at[null]=false").json()["data"]],
    ]
    restored = store.merchant.post(f"{where}/restore")
    again = store.merchant.post(f"{where}/restore")

    assert (deleted.json()["version"], gone) == (2, [404, 404, 404, 404, 422, ["Kitchen"], ["Cups"]])
    assert (restored.json()["version"], restored.json()["deleted_at"], again.json()) == (3, None, restored.json())
    assert drawn(store) == "Kitchen\n  Cups"
    assert told(sql, store, "category.")[2:] == [("category.deleted", 2), ("category.restored", 3)]
    assert audited(sql, store, "category.restored") == [({"deleted": True}, {"deleted": False})]
    assert top["version"] == 1


def test_a_category_comes_back_only_below_one_that_is_there_and_not_too_deep() -> None:
    store = a_store()
    top, cups, mugs = path(store, "Kitchen", "Cups", "Mugs")
    for one in (mugs, cups):
        store.merchant.delete(f"/categories/{one['id']}")
    category(store, "Cups")

    orphan = store.merchant.post(f"/categories/{mugs['id']}/restore")
    taken = store.merchant.post(f"/categories/{cups['id']}/restore")
    deep = path(store, *[f"Level {level}" for level in range(1, 12)])
    moved = move(store, top, deep[-1])
    store.merchant.patch(f"/categories/{cups['id']}", json={"slug": "other"})
    too_deep = store.merchant.post(f"/categories/{cups['id']}/restore")

    assert [code(answer) for answer in (orphan, taken)] == [(409, "parent_deleted"), (409, "slug_taken")]
    assert moved.status_code == 200
    assert code(too_deep) == (409, "category_too_deep")


def test_a_deleted_category_can_be_restored_for_ninety_days() -> None:
    store = a_store()
    where = f"/categories/{category(store, 'Cups')['id']}"
    with clock.frozen(clock.now()) as time:
        store.merchant.delete(where)
        time.tick(timedelta(days=90))
        too_late = store.merchant.post(f"{where}/restore").status_code
        time.tick(-timedelta(seconds=1))
        in_time = store.merchant.post(f"{where}/restore").status_code

    assert (too_late, in_time) == (404, 200)


def test_a_tree_is_twelve_deep_at_most() -> None:
    store = a_store()
    levels = path(store, *[f"Level {level}" for level in range(1, 13)])

    refused = store.merchant.post("/categories", json={"name": "Level 13", "parent_id": levels[-1]["id"]})

    assert (code(refused), refused.json()["max_depth"]) == ((409, "category_too_deep"), 12)


def test_the_tree_its_branches_and_ways_up_are_read_in_a_statement_each(sql: Sql, watch: Watch) -> None:
    store = a_store()
    top, cups, mugs = path(store, "Kitchen", "Cups", "Mugs")
    garden = category(store, "Garden")
    planted = plant(sql, store, mugs, width=30, depth=2)

    def uuid(one: dict[str, Any]) -> UUID:
        return ids.decode("cat", one["id"])

    with store.session() as session:
        session.connection()
        mark = len(watch.statements)
        tree = category_tree.tree(session)
        below = category_tree.descendants(session, uuid(cups))
        ways = category_tree.lineages(session, [uuid(mugs), uuid(garden)])
        counted = watch.count_since(mark)

    assert counted == 3
    assert (len(tree), max(node.depth for node in tree)) == (planted + 4, 5)
    assert (below[:2], len(below)) == ([uuid(cups), uuid(mugs)], planted + 2)
    assert ways == {uuid(mugs): [uuid(top), uuid(cups), uuid(mugs)], uuid(garden): [uuid(garden)]}


def test_another_stores_category_does_not_exist() -> None:
    mine, theirs = a_store(), a_store()
    cups, own = category(theirs, "Cups"), category(mine, "Cups")
    where = f"/categories/{cups['id']}"

    answers = [
        mine.merchant.get(where),
        mine.merchant.patch(where, json={"name": "Mine"}),
        mine.merchant.delete(where),
        mine.merchant.post(f"{where}/restore"),
        move(mine, cups, None),
        mine.merchant.post(f"{where}/products", json={"add": [ids.encode("prod", ids.new_id())]}),
    ]
    below = [mine.merchant.post("/categories", json={"name": "X", "parent_id": cups["id"]}), move(mine, own, cups)]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert [answer.json()["errors"][0]["code"] for answer in below] == ["unknown_category"] * 2
    assert theirs.merchant.get(where).json() == cups


def test_only_who_may_write_products_changes_categories() -> None:
    store = a_store()
    reader = store.token("product.read")
    cups = category(store, "Cups")

    refused = [
        reader.post("/categories", json={"name": "X"}),
        reader.patch(f"/categories/{cups['id']}", json={"name": "X"}),
        reader.delete(f"/categories/{cups['id']}"),
        reader.post(f"/categories/{cups['id']}/move", json={"parent_id": None}),
    ]

    assert [code(answer) for answer in refused] == [(403, "forbidden")] * 4
    assert reader.get(f"/categories/{cups['id']}").json() == cups
