"""Stock over HTTP: differences, counts, rules, lists; and that no refusal is a failure of ours."""

import pytest

from shared.core import clock, ids
from tests.client import Answer
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.inventory.stockroom import consume, history, hold, in_minutes, level, told

pytestmark = pytest.mark.usefixtures("watch")


def test_a_variant_that_is_made_with_stock_begins_its_history(sql: Sql) -> None:
    store = a_store()
    variant = {"sku": "MUG", "price": 1000, "stock": 7, "safety_stock": 1, "low_stock_threshold": None}

    made = store.merchant.post("/products", json={"title": "Mug", "variants": [variant]}).json()

    store.variants["MUG"] = made["variants"][0]["id"]
    read = store.stock("MUG")
    assert (read["on_hand"], read["reserved"], read["available"], read["low_stock_threshold"]) == (7, 0, 6, None)
    assert history(sql, store, "MUG") == [("initial", 7, 7)]


def test_differences_add_up_and_say_who_why_and_what_was_there(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    came, went = adjust(store, 10, kind="import"), adjust(store, -4, reason="Broken in the move")

    assert [(one.status_code, one.json()["on_hand"], one.headers["etag"]) for one in (came, went)] == [
        (201, 15, '"3"'),
        (201, 11, '"4"'),
    ]
    assert history(sql, store, "MUG") == [("initial", 5, 5), ("import", 10, 15), ("manual", -4, 11)]
    listed = store.merchant.get("/inventory/adjustments", params={"kind": "manual"}).json()["data"]
    assert [(one["reason"], one["actor_kind"]) for one in listed] == [("Broken in the move", "api_token")]
    entries = sql(
        "select before, after from audit_entries "
        "where store_id = %s and action = 'stock.adjusted' order by id desc limit 1",
        store.id,
    )
    assert entries == [
        {
            "before": {"on_hand": 15},
            "after": {"on_hand": 11, "kind": "manual", "reason": "Broken in the move"},
        },
    ]


def test_a_difference_of_nothing_leaves_no_trace(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    answer = adjust(store, 0)

    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    assert history(sql, store, "MUG") == [("initial", 5, 5)]


def test_the_same_difference_sent_twice_counts_once(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    answers = [adjust(store, 2, key="delivery-17") for _ in range(2)]

    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [None, "true"]
    assert level(sql, store, "MUG") == (7, 0)


def test_changing_stock_needs_an_idempotency_key() -> None:
    store = a_store(stock={"MUG": 5})

    refused = store.merchant.post(f"/inventory/{store.variant('MUG')}/adjustments", json={"delta": 1})

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_required")
    assert store.stock("MUG")["on_hand"] == 5


def test_no_difference_takes_what_is_reserved(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    hold(store, ids.new_id(), MUG=4)

    refused, taken = adjust(store, -2), adjust(store, -1)

    assert (refused.status_code, refused.json()["code"]) == (409, "stock_is_reserved")
    assert (refused.json()["on_hand"], refused.json()["reserved"]) == (5, 4)
    assert (taken.status_code, level(sql, store, "MUG")) == (201, (4, 4))


def test_no_difference_takes_more_than_there_is() -> None:
    store = a_store(stock={"MUG": 5})

    refused = adjust(store, -6)

    assert (refused.status_code, refused.json()["code"], store.stock("MUG")["on_hand"]) == (409, "stock_is_reserved", 5)


def test_a_difference_may_take_what_expired_holds_left(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    with clock.frozen(clock.now()) as time:
        hold(store, ids.new_id(), minutes=15, MUG=4)
        time.tick(in_minutes(16) - clock.now())

        taken = adjust(store, -5)

    assert (taken.status_code, level(sql, store, "MUG")) == (201, (0, 0))


def test_the_safety_stock_can_be_written_off(sql: Sql) -> None:
    store = a_store(stock={"MUG": 2})
    edit_rules(store, safety_stock=3)

    written_off = adjust(store, -1)

    assert (written_off.status_code, written_off.json()["available"], level(sql, store, "MUG")) == (201, 0, (1, 0))


@pytest.mark.parametrize(
    "body",
    [
        {"delta": 1.5},
        {"delta": "1"},
        {"delta": True},
        {"delta": 10**9 + 1},
        {"delta": 1, "kind": "sale"},
        {"delta": 1, "reason": "x" * 501},
        {},
    ],
)
def test_what_is_no_difference_is_refused(body: dict[str, object]) -> None:
    store = a_store(stock={"MUG": 5})

    refused = store.merchant.post(f"/inventory/{store.variant('MUG')}/adjustments", json=body, key=True)

    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert store.stock("MUG")["on_hand"] == 5


def test_a_count_is_taken_if_it_is_based_on_what_is_there(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    by_value = count(store, {"on_hand": 9, "expected_on_hand": 5})
    by_version = count(store, {"on_hand": 8}, headers={"If-Match": by_value.headers["etag"]})

    assert (by_value.status_code, by_version.status_code) == (200, 200)
    assert history(sql, store, "MUG")[1:] == [("correction", 4, 9), ("correction", -1, 8)]


def test_a_count_of_what_has_moved_is_refused(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    etag = store.merchant.get(f"/inventory/{store.variant('MUG')}").headers["etag"]
    adjust(store, 1)

    by_value = count(store, {"on_hand": 9, "expected_on_hand": 5})
    by_version = count(store, {"on_hand": 9}, headers={"If-Match": etag})

    assert (by_value.status_code, by_value.json()["code"], by_value.json()["on_hand"]) == (409, "stock_moved", 6)
    assert (by_version.status_code, by_version.json()["current_version"]) == (412, 3)
    assert level(sql, store, "MUG") == (6, 0)


def test_a_count_that_is_based_on_nothing_is_refused() -> None:
    store = a_store(stock={"MUG": 5})

    refused = count(store, {"on_hand": 9})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/expected_on_hand")
    assert store.stock("MUG")["on_hand"] == 5


def test_a_count_that_confirms_what_is_there_leaves_no_trace(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    confirmed = count(store, {"on_hand": 5, "expected_on_hand": 5})

    assert (confirmed.status_code, confirmed.json()["version"]) == (200, 2)
    assert history(sql, store, "MUG") == [("initial", 5, 5)]


def test_a_count_below_what_is_reserved_is_refused() -> None:
    store = a_store(stock={"MUG": 5})
    hold(store, ids.new_id(), MUG=4)

    refused = count(store, {"on_hand": 3, "expected_on_hand": 5})

    assert (refused.status_code, refused.json()["code"], store.stock("MUG")["on_hand"]) == (409, "stock_is_reserved", 5)


def test_rules_change_with_their_version_and_are_told(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    changed = edit_rules(store, safety_stock=2, if_match='"2"')
    stale = edit_rules(store, safety_stock=3, if_match='"2"')

    assert (changed.json()["available"], changed.headers["etag"]) == (3, '"3"')
    assert (stale.status_code, stale.json()["current_version"], store.stock("MUG")["safety_stock"]) == (412, 3, 2)
    assert [event["safety_stock"] for event in told(sql, store, "stock.rules_changed")] == [2]


def test_rules_that_stay_the_same_leave_no_trace(sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})

    answer = edit_rules(store, safety_stock=0)

    assert (answer.json()["version"], told(sql, store, "stock.rules_changed")) == (2, [])


def test_backorders_end_only_when_all_is_served() -> None:
    store, holder = a_store(stock={"MUG": 1}), ids.new_id()
    edit_rules(store, allow_backorder=True)
    hold(store, holder, MUG=3)

    while_promised = edit_rules(store, allow_backorder=False)
    consume(store, holder, MUG=3)
    while_owed = edit_rules(store, allow_backorder=False)
    adjust(store, 2)
    served = edit_rules(store, allow_backorder=False)

    assert [one.status_code for one in (while_promised, while_owed, served)] == [409, 409, 200]
    assert (while_owed.json()["code"], while_owed.json()["on_hand"]) == ("backorders_open", -2)


def test_low_stock_can_be_listed() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 6}, settings={"low_stock_threshold": 5})

    low = store.merchant.get("/inventory", params={"low": "true", "include": "total"}).json()
    fine = store.merchant.get("/inventory", params={"low": "false"}).json()

    assert ([one["sku"] for one in low["data"]], low["total"]) == (["MUG"], 1)
    assert [one["sku"] for one in fine["data"]] == ["TEE"]


def test_history_can_be_read_page_by_page() -> None:
    store = a_store(stock={"MUG": 5, "TEE": 5})
    for delta in (1, 2, 3):
        adjust(store, delta)
    mine = {"variant_id": store.variant("MUG"), "limit": 2}

    first = store.merchant.get("/inventory/adjustments", params=mine).json()
    second = store.merchant.get("/inventory/adjustments", params=mine | {"cursor": first["page"]["next_cursor"]}).json()

    assert [one["delta"] for one in first["data"] + second["data"]] == [3, 2, 1, 5]
    assert (first["page"]["has_more"], second["page"]["has_more"]) == (True, False)


def test_another_stores_stock_does_not_exist() -> None:
    mine, theirs = a_store(stock={"MUG": 5}), a_store(stock={"MUG": 5})
    path = f"/inventory/{theirs.variant('MUG')}"

    answers = [
        mine.merchant.get(path),
        mine.merchant.patch(path, json={"safety_stock": 1}),
        mine.merchant.post(path + "/adjustments", json={"delta": 1}, key=True),
        mine.merchant.put(path + "/on-hand", json={"on_hand": 1, "expected_on_hand": 5}, key=True),
    ]
    listed = mine.merchant.get("/inventory/adjustments", params={"variant_id": theirs.variant("MUG")})

    assert [answer.status_code for answer in answers] == [404, 404, 404, 404]
    assert (listed.json()["data"], theirs.stock("MUG")["version"]) == ([], 2)


def test_seeing_and_changing_stock_are_two_permissions() -> None:
    store = a_store(stock={"MUG": 5})
    reader = store.token("inventory.read")
    path = f"/inventory/{store.variant('MUG')}"

    seen = reader.get(path)
    refused = [reader.patch(path, json={}), reader.post(path + "/adjustments", json={"delta": 1}, key=True)]

    assert seen.status_code == 200
    assert [answer.status_code for answer in refused] == [403, 403]


def adjust(store: StoreUnderTest, delta: int, *, key: str | bool = True, **body: object) -> Answer:
    path = f"/inventory/{store.variant('MUG')}/adjustments"
    return store.merchant.post(path, json={"delta": delta, **body}, key=key)


def count(store: StoreUnderTest, body: dict[str, object], headers: dict[str, str] | None = None) -> Answer:
    return store.merchant.put(f"/inventory/{store.variant('MUG')}/on-hand", json=body, headers=headers, key=True)


def edit_rules(store: StoreUnderTest, *, if_match: str | None = None, **body: object) -> Answer:
    headers = {"If-Match": if_match} if if_match else {}
    return store.merchant.patch(f"/inventory/{store.variant('MUG')}", json=body, headers=headers)
