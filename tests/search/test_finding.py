"""Searching: what comes first, what narrows it, what odd input does, and what is suggested and noted."""

from datetime import timedelta
from typing import Any

import pytest

from shared.core import clock, ids, queues, tenant_life
from shared.core.settings import use_settings
from shared.search import dictionary, finding, misses, words
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.tenancy.living import deliver

pytestmark = pytest.mark.usefixtures("application")


def sell(store: StoreUnderTest, title: str, *, sku: str = "", stock: int = 1, price: int = 1000, **facts: Any) -> str:
    """Put a product on sale and return its id."""
    variant = {"sku": sku or f"S{ids.new_id().hex[-10:]}", "price": price, "stock": stock}
    slug = f"p-{ids.new_id().hex[-12:]}"
    body = {"title": title, "slug": slug, "status": "active", "variants": [variant], **facts}
    answer = store.merchant.post("/products", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def search(store: StoreUnderTest, typed: str, **params: str) -> dict[str, Any]:
    """Search and return the answer's body."""
    answer = store.shopper.get("/storefront/search", params={"q": typed, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def titles(store: StoreUnderTest, typed: str, **params: str) -> list[str]:
    """Search and return the titles in their order."""
    return [one["title"] for one in search(store, typed, **params)["data"]]


def test_title_comes_before_names_and_names_before_description() -> None:
    store = a_store()
    sell(store, "Bowl", description="<p>Goes well with a <b>kettle</b>.</p>")
    sell(store, "Cosy", tags=["kettle"])
    sell(store, "Kettle")
    store.show()

    assert titles(store, "kettle") == ["Kettle", "Cosy", "Bowl"]


def test_the_exact_word_comes_before_what_sounds_like_it_and_before_its_beginning() -> None:
    store = a_store()
    for title in ("Shirting cloth", "Sharee", "Sari", "Shirt"):
        sell(store, title)
    store.show()

    assert titles(store, "sari") == ["Sari", "Sharee"]
    assert titles(store, "shirt") == ["Shirt", "Shirting cloth"]


def test_a_sku_finds_its_product_first_however_it_is_written() -> None:
    store = a_store()
    sell(store, "Tee red L deluxe TEE RED L")
    sell(store, "Another thing", sku="TEE-RED/L")
    store.show()

    for typed in ("TEE-RED/L", "tee-red-l", "teeredl", "TEE RED L"):
        assert titles(store, typed)[0] == "Another thing", typed


def test_among_equals_what_is_in_stock_comes_first_and_then_what_sells(sql: Sql) -> None:
    store = a_store()
    slow, fast, gone = (sell(store, f"Mug {name}", stock=stock) for name, stock in (("A", 1), ("B", 1), ("C", 0)))
    store.show()
    for product_id, sold in ((slow, 1), (fast, 5), (gone, 90)):
        sql("update product_summaries set sold = %s where id = %s", sold, ids.decode("prod", product_id))

    assert titles(store, "mug") == ["Mug B", "Mug A", "Mug C"]


def test_all_words_have_to_stand_somewhere_and_where_they_do_not_the_most_do() -> None:
    store = a_store()
    sell(store, "Red cotton shirt")
    sell(store, "Blue cotton shirt")
    sell(store, "Red mug")
    store.show()

    assert titles(store, "red shirt") == ["Red cotton shirt"]
    partly = search(store, "blue cotton mug")
    assert [one["title"] for one in partly["data"]] == ["Blue cotton shirt", "Red cotton shirt", "Red mug"]
    assert partly["all_words"] is False
    assert search(store, "red shirt")["all_words"] is True


def test_a_search_takes_the_filters_of_the_list() -> None:
    store = a_store()
    store.merchant.post("/brands", json={"name": "Deshi", "slug": "deshi"})
    sell(store, "Mug one", price=500, brand="deshi")
    sell(store, "Mug two", price=1500, brand="deshi")
    sell(store, "Mug three", price=500, stock=0)
    store.show()

    assert titles(store, "mug", **{"price[lte]": "900", "in_stock": "true"}) == ["Mug one"]
    assert set(titles(store, "mug", brand="deshi")) == {"Mug one", "Mug two"}
    assert titles(store, "mug", brand="nobody") == []


def test_pages_hold_each_product_once_in_one_order() -> None:
    store = a_store()
    for number in range(7):
        sell(store, f"Mug {number}")
    store.show()
    whole = titles(store, "mug")

    seen: list[str] = []
    params: dict[str, str] = {"limit": "3"}
    while True:
        page = search(store, "mug", **params)
        seen += [one["title"] for one in page["data"]]
        assert page["total"] == 7
        if not page["page"]["has_more"]:
            break
        params["cursor"] = page["page"]["next_cursor"]

    assert seen == whole
    assert len(set(seen)) == 7


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "invalid_listing"),
        ({"q": "  "}, "invalid_listing"),
        ({"q": "x" * 201}, "invalid_listing"),
        ({"q": "mug", "sort": "price"}, "invalid_listing"),
        ({"q": "mug", "include": "total"}, "invalid_listing"),
        ({"q": "mug", "cursor": "nonsense"}, "invalid_listing"),
        ({"q": "mug", "cursor": "💥"}, "invalid_listing"),
        ({"q": "mug", "limit": "0"}, "invalid_listing"),
        ({"q": "mug", "colour": "red"}, "invalid_listing"),
        ({"q": "mug", "attribute[colour]": "red"}, "invalid_listing"),
    ],
)
def test_what_cannot_be_asked_is_refused(params: dict[str, str], code: str) -> None:
    answer = a_store().shopper.get("/storefront/search", params=params)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


HOSTILE = (
    "'",
    "''",
    "\\",
    "\\'",
    "%",
    "_",
    "%%%___",
    "a'b",
    "' or 1=1 --",
    "mug & !cup",
    "mug | (",
    ":*",
    "mug:*AB",
    "!!",
    "<->",
    "mug <2> cup",
    "^mug",
    "~mug",
    "#mug",
    "@mug",
    "=mug",
    "\x00",
    "mu\x00g",
    "😀",
    "😀 mug",
    "👨‍👩‍👧‍👦",
    "...",
    "-",
    "()",
    "{}",
    "[]",
    "$$",
    "$1",
    "%s",
    "%(x)s",
    ":store_id",
    "\u202e",
    "\u200d",
    "\ufeff",
    "ﷺ",
    "à" * 200,
    "a " * 100,
    "1" * 200,
    "ক" * 200,
    "্" * 50,
    "়",
    "a-" * 100,
    "'" * 200,
    "\ud800",
    "\t\n\r",
    "null",
    "true",
    '{"a":1}',
)


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_odd_input_is_no_error(typed: str) -> None:
    store = a_store()

    for path in ("/storefront/search", "/storefront/search/suggestions"):
        answer = store.shopper.get(path, params={"q": typed.encode("utf-8", "replace").decode()})
        assert answer.status_code in {200, 400, 422}, (path, answer.text)


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_a_products_odd_title_is_learnt_without_an_error(typed: str) -> None:
    clean = typed.replace("\x00", "").encode("utf-8", "replace").decode().strip()

    found = words.found_by(title=clean, names=[clean], codes=[clean], description=clean)

    assert all(word.strip("'^~#") for word in found.search.split())
    assert found.search.count("'") == 2 * len(found.search.split())
    dictionary.entries(found.words.split())


def test_a_search_is_one_statement_and_one_with_names_two(watch: Watch) -> None:
    store = a_store(stock={"MUG": 1})
    store.merchant.post("/brands", json={"name": "Deshi", "slug": "deshi"})
    store.show()
    search(store, "warm")

    for params, most in (({"q": "mug"}, 1), ({"q": "mgu"}, 1), ({"q": "product", "brand": "deshi"}, 2)):
        mark = len(watch.statements)
        store.shopper.get("/storefront/search", params=params)
        assert len(watch.on_stores_tables_since(mark)) <= most, watch.statements[mark:]


def test_another_store_is_never_searched() -> None:
    mine, theirs = a_store(), a_store()
    sell(theirs, "Umbrella")
    theirs.show()
    mine.show()

    assert titles(mine, "umbrella") == []
    assert titles(mine, "umbrekla") == []


def test_a_product_that_is_taken_down_is_found_no_more() -> None:
    store = a_store()
    product_id = sell(store, "Umbrella")
    store.show()
    assert titles(store, "umbrella") == ["Umbrella"]

    store.merchant.patch(f"/products/{product_id}", json={"status": "draft"})
    store.show()

    assert titles(store, "umbrella") == []


def test_suggestions_name_products_categories_and_brands() -> None:
    store = a_store()
    store.merchant.post("/brands", json={"name": "Kettle Kings", "slug": "kettle-kings"})
    store.merchant.post("/brands", json={"name": "Kettle Queens", "slug": "kettle-queens"})
    store.merchant.post("/categories", json={"name": "Kettles", "slug": "kettles"})
    sell(store, "Kettle", brand="kettle-kings", categories=["kettles"])
    store.show()

    for typed in ("ket", "kettle", "ketle", "কেটলি"):
        answer = store.shopper.get("/storefront/search/suggestions", params={"q": typed})
        found = answer.json()
        assert [one["title"] for one in found["products"]] == ["Kettle"], typed
        assert [one["slug"] for one in found["categories"]] == ["kettles"], typed
        assert [one["slug"] for one in found["brands"]] == ["kettle-kings"], typed  # of the other nothing is on sale


def test_suggestions_of_nothing_are_empty() -> None:
    answer = a_store().shopper.get("/storefront/search/suggestions", params={"q": "..."})

    assert answer.json() == {"products": [], "categories": [], "brands": [], "did_you_mean": None}


def test_a_search_in_vain_is_counted_by_a_message() -> None:
    store = a_store(stock={"MUG": 1})
    store.show()
    sent: list[tuple[str, dict[str, str]]] = []

    def send(queue: str, bodies: list[dict[str, str]], *, delay: int = 0) -> None:
        assert delay == 0
        sent.extend((queue, body) for body in bodies)

    with pytest.MonkeyPatch.context() as sqs, use_settings(kick=True):
        sqs.setattr(queues, "send", send)
        search(store, "Helicopter!")
        search(store, "Product")  # found
        search(store, "Submarine", **{"price[lte]": "5"})  # narrowed
    noted = [body for queue, body in sent if queue == misses.QUEUE]

    assert noted == [{"store_id": str(store.id), "text": "helicopter"}]
    for _ in range(2):
        assert deliver(misses.QUEUE, noted[0])
    report = store.merchant.get("/search/misses").json()["data"]
    assert [(one["text"], one["times"]) for one in report] == [("helicopter", 2)]


@pytest.mark.parametrize(
    "typed",
    [
        "me@shop.test",
        "01711 123456",
        "+880 1711-123456",
        "০১৭১১১২৩৪৫৬",
        "x" * 61,
        "one two three four five six seven",
        "?",
    ],
)
def test_what_may_be_somebodys_own_is_not_kept(typed: str) -> None:
    assert misses.countable(typed) is None


def test_a_flood_of_nonsense_fills_a_day_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misses, "MOST_A_DAY", 3)
    store = a_store()
    with store.session() as session:
        for number in range(6):
            misses.count(session, f"nonsense {number}")
            misses.count(session, "nonsense 0")
        report = misses.report(session, days=1, limit=100)

    assert [(one.text, one.times) for one in report.data] == [
        ("nonsense 0", 7),
        ("nonsense 2", 1),
        ("nonsense 1", 1),
    ]


def test_the_report_is_for_who_may_see_reports_and_goes_after_90_days() -> None:
    store = a_store()
    with store.session() as session:
        misses.count(session, "helicopter")
        assert tenant_life.purge(session, clock.now() + timedelta(days=89)).get("search_misses") is None
        assert tenant_life.purge(session, clock.now() + timedelta(days=91))["search_misses"] == 1

    assert store.token("product.read").get("/search/misses").status_code == 403
    assert store.token("analytics.view").get("/search/misses").json() == {"data": []}


def test_words_that_no_product_has_any_more_are_forgotten_by_the_night(sql: Sql) -> None:
    store = a_store()
    product_id = sell(store, "Umbrella big")
    sell(store, "Umbrella small")
    store.show()
    sql("delete from product_summaries where id = %s", ids.decode("prod", product_id))
    sql("delete from search_words where store_id = %s and word = 'small'", store.id)

    with store.session() as session:
        dictionary.count(session)

    known = sql("select word, products from search_words where store_id = %s order by word", store.id)
    assert [(row["word"], row["products"]) for row in known] == [("small", 0), ("umbrella", 1)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("শাড়ী", "শাড়ি"),
        ("শাড়ি", "শাড়ি"),  # one letter, and two put together
        ("বায়ু", "বায়ূ"),
        ("সাদা", "শাদা"),
        ("ণীল", "নিল"),
        ("sari", "শাড়ি"),
        ("Café", "cafe"),
        ("১২৩", "123"),
        ("ﬁne", "fine"),
        ("র‍্যাম", "র্যাম"),
        ("shirts", "shirt"),
    ],
)
def test_two_spellings_are_one_word(one: str, other: str) -> None:
    def forms(text: str) -> set[str]:
        return {form for word in words.words_in(text) for form in (words.stem(word), words.sound(word)) if form}

    assert forms(one) & forms(other)


def test_what_is_asked_is_bounded() -> None:
    asked = finding.read("word " * 40)

    assert asked is not None
    assert len(asked["words"]) <= finding.MOST_WORDS
