"""The life of an import: what it needs to be opened and started, and how it ends before its end."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.core import ids, storage
from shared.core.storage import Bucket
from shared.imports import grouping
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.imports.catalogs import catalog
from tests.imports.files import Imported, half_done, imported, opened, product, started, work, written
from tests.imports.test_products import products

pytestmark = pytest.mark.usefixtures("watch")

SCOPES = ("integration.manage", "product.write", "product.publish", "inventory.adjust")


def test_an_import_is_opened_with_the_form_for_its_file_and_in_the_stores_currency() -> None:
    store = a_store()

    answer = store.merchant.post("/imports", json={"format": "shopify_csv", "currency": "BDT", "file_name": "a.csv"})

    told = answer.json()
    assert (answer.status_code, told["currency"], told["job"]["status"]) == (201, "BDT", "awaiting_upload")
    assert told["upload"]["url"].startswith("http")
    assert told["job"]["kind"] == "product_import"


def test_a_file_in_another_currency_is_refused() -> None:
    answer = a_store().merchant.post("/imports", json={"format": "shopify_csv", "currency": "USD"})

    assert (answer.status_code, answer.json()["code"], answer.json()["currency"]) == (422, "other_currency", "BDT")


@pytest.mark.parametrize(
    ("missing", "options"),
    [
        ("product.write", {}),
        ("product.publish", {"stock": "leave"}),
        ("inventory.adjust", {"publish": "draft"}),
    ],
)
def test_an_import_may_do_no_more_than_who_opens_it(missing: str, options: dict[str, str]) -> None:
    store = a_store()
    caller = store.token(*(scope for scope in SCOPES if scope != missing))

    refused = caller.post("/imports", json={"format": "shopify_csv", **options})
    modest = caller.post("/imports", json={"format": "shopify_csv", "stock": "leave", "publish": "draft"})

    assert refused.status_code == 403
    assert missing in refused.json()["detail"]
    assert modest.status_code == (403 if missing == "product.write" else 201)


def test_an_export_shows_no_more_than_who_opens_it_may_see() -> None:
    store = a_store()

    refused = store.token("integration.manage", "product.read").post("/exports", json={"format": "shopify_csv"})
    opened_ = store.token("integration.manage", "product.read", "inventory.read").post(
        "/exports", json={"format": "shopify_csv"}
    )

    assert (refused.status_code, opened_.status_code) == (403, 201)


def test_starting_twice_is_starting_once() -> None:
    store = a_store()
    begun = started(store, written([product("mug")]))

    again = store.merchant.post(f"/imports/{begun.job_id}/start")
    work(store.id)
    late = store.merchant.post(f"/imports/{begun.job_id}/start")

    assert (again.status_code, again.json()["status"]) == (200, "queued")
    assert (late.status_code, late.json()["status"]) == (200, "succeeded")
    assert begun.counted("created") == (1,)


def test_only_an_import_can_be_started() -> None:
    store = a_store()
    export = store.merchant.post("/exports", json={"format": "shopify_csv"}).json()

    assert store.merchant.post(f"/imports/{export['id']}/start").status_code == 404


def test_an_import_without_a_file_fails_and_says_so() -> None:
    store = a_store()
    job_id = store.merchant.post("/imports", json={"format": "shopify_csv"}).json()["job"]["id"]
    store.merchant.post(f"/imports/{job_id}/start")
    work(store.id)

    job = Imported(store, job_id).job

    assert job["status"] == "failed"
    assert "no file" in job["failure"]


def test_a_canceled_import_cannot_be_started() -> None:
    store = a_store()
    job_id = opened(store, b"").job_id
    store.merchant.post(f"/jobs/{job_id}/cancel")

    refused = store.merchant.post(f"/imports/{job_id}/start")

    assert (refused.status_code, refused.json()["code"]) == (409, "transition_not_allowed")


def test_what_an_import_did_before_it_was_canceled_stays_done(monkeypatch: pytest.MonkeyPatch, sql: Sql) -> None:
    monkeypatch.setattr(grouping, "PRODUCTS_A_BATCH", 2)
    store = a_store()
    begun = half_done(store, written([product(f"mug-{number}") for number in range(5)]))
    halfway = begun.job

    canceled = store.merchant.post(f"/jobs/{begun.job_id}/cancel").json()
    work(store.id)

    assert (halfway["status"], halfway["counts"]["created"]) == ("queued", 2)
    assert 0 < halfway["progress"]["percent"] < 100
    assert (canceled["status"], begun.job["status"], len(products(store))) == ("canceled", "canceled", 2)
    assert sql("select 1 from imported_products where store_id = %s", store.id) != []


def test_nothing_is_left_of_what_an_import_met_when_it_is_over(sql: Sql) -> None:
    store = a_store()

    imported(store, written([product("mug")]))

    assert sql("select 1 from imported_products where store_id = %s", store.id) == []


def test_a_file_that_is_replaced_meanwhile_ends_its_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "PRODUCTS_A_BATCH", 2)
    store = a_store()
    begun = half_done(store, written([product(f"mug-{number}") for number in range(5)]))
    key = storage.key_of(store.id, "imports", f"{ids.decode('job', begun.job_id)}.csv")
    storage.objects().put(Bucket.UPLOADS, key, written([product("other")]), media_type="text/csv")

    work(store.id)

    assert begun.job["status"] == "failed"
    assert "replaced" in begun.job["failure"]
    assert len(products(store)) == 2


def test_an_import_that_is_handed_over_after_every_batch_comes_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "ROWS_A_BATCH", 25)
    whole, pieces = a_store(), a_store()
    file = b"".join(catalog(200, 3))
    once = imported(whole, file)
    begun = half_done(pieces, file)
    while begun.job["status"] == "queued":
        work(pieces.id)

    assert begun.job["counts"] == once.job["counts"]
    assert begun.findings == once.findings
    assert [named(one) for one in products(pieces)] == [named(one) for one in products(whole)]


def test_two_imports_of_the_same_file_at_once_make_each_product_once() -> None:
    store = a_store()
    file = b"".join(catalog(600, 5, bad=False))
    both = [started(store, file), started(store, file)]

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(work, [store.id, store.id]))
    finish(store, both)

    made = sum(one.counted("created")[0] for one in both)
    assert [one.job["status"] for one in both] == ["succeeded", "succeeded"]
    assert made == both[0].counted("products")[0]
    assert [one.counted("failed") for one in both] == [(0,), (0,)], [one.findings for one in both]


def finish(store: StoreUnderTest, imports: list[Imported]) -> None:
    """Let workers go on with what stumbled over the other, if something did."""
    for _ in range(4):
        if any(one.job["status"] in {"queued", "running"} for one in imports):
            work(store.id)


def named(one: dict[str, object]) -> tuple[object, ...]:
    return one["slug"], one["title"], one["status"], len(one["variants"])  # type: ignore[arg-type]  # a list
