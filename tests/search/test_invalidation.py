"""Telling the edge what to forget: after the commit, once a second, at a bounded price, and never lost."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.search import invalidate, outdate, sweep_edge
from infra.local import events
from shared.core import clock, ids, queues
from shared.core.clock import FrozenClock
from shared.core.settings import use_settings
from shared.search import invalidation, surrogates
from shared.search.invalidation import Claimed
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def time() -> Iterator[FrozenClock]:
    with clock.frozen(NOON) as frozen:
        yield frozen


@pytest.fixture(autouse=True)
def edge() -> Iterator[None]:
    with use_settings(edge_distribution="local"):
        yield


def outdated(store: StoreUnderTest, *tags: str) -> None:
    with store.session() as session:
        invalidation.outdate(session, tags)


def fail_after(store: StoreUnderTest, tag: str) -> None:
    with store.session() as session:
        invalidation.outdate(session, [tag])
        raise ZeroDivisionError


def claimed(store: StoreUnderTest) -> Claimed | None:
    with store.session() as session:
        return invalidation.claim(session)


def settled(store: StoreUnderTest, one: Claimed, *, taken: bool = True) -> None:
    with store.session() as session:
        invalidation.settle(session, one, taken=taken)


def waiting(sql: Sql, store: StoreUnderTest) -> list[str]:
    rows = sql("select tag from outdated_tags where store_id = %s order by id", store.id)
    return [row["tag"] for row in rows]


def deliver(handler: Any, queue: str, body: Mapping[str, Any]) -> list[dict[str, str]]:
    answer = handler(events.sqs_event(queue, [json.dumps(body)]), events.context(queue))
    failures: list[dict[str, str]] = answer["batchItemFailures"]
    return failures


def test_what_changes_within_a_second_goes_in_one_request(time: FrozenClock, sql: Sql) -> None:
    store = a_store()
    outdated(store, "product:a", "product:b")
    time.tick(SECOND / 2)
    outdated(store, "product:b", "product:c")

    too_early = claimed(store)
    time.tick(SECOND / 2)
    first = claimed(store)
    second = claimed(store)

    assert too_early is None
    assert first is not None
    assert first.tags == ("product:a", "product:b", "product:c")
    assert second is None
    settled(store, first)
    assert waiting(sql, store) == []


def test_a_change_that_does_not_happen_takes_nothing_back(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    store, sent = a_store(), collect(monkeypatch)

    with use_settings(kick=True), pytest.raises(ZeroDivisionError):
        fail_after(store, "product:a")

    assert waiting(sql, store) == []
    assert sent == []


def test_after_the_commit_the_queue_is_told_once_and_a_second_later(monkeypatch: pytest.MonkeyPatch) -> None:
    store, sent = a_store(), collect(monkeypatch)

    with use_settings(kick=True), store.session() as session:
        invalidation.outdate(session, ["product:a"])
        invalidation.outdate(session, ["product:b"])
        before = list(sent)

    assert before == []
    assert sent == [("edge-invalidations", {"store_id": str(store.id)}, 1)]


def test_a_queue_that_cannot_be_told_harms_nothing(sql: Sql) -> None:
    store = a_store()

    with use_settings(kick=True):  # there is no queue at this address
        outdated(store, "product:a")

    assert waiting(sql, store) == ["product:a"]


def test_without_an_edge_nothing_is_written(sql: Sql, watch: Watch) -> None:
    store = a_store()
    mark = len(watch.statements)

    with use_settings(edge_distribution=None):
        outdated(store, "product:a")

    assert watch.on_stores_tables_since(mark) == []
    assert waiting(sql, store) == []


def test_many_changes_at_once_cost_one_tag(time: FrozenClock, sql: Sql) -> None:
    imported, edited = a_store(), a_store()
    outdated(imported, *(f"product:{number}" for number in range(5000)))
    for number in range(16):
        outdated(edited, f"product:{number}")
    time.tick(SECOND)

    rows = waiting(sql, imported)
    one, other = claimed(imported), claimed(edited)

    assert rows == [surrogates.store(imported.id)]
    assert one is not None
    assert other is not None
    assert (one.tags, other.tags) == ((surrogates.store(imported.id),), (surrogates.store(edited.id),))


def test_a_day_of_changes_has_a_price_that_is_bounded(time: FrozenClock) -> None:
    store, paid = a_store(), 0
    time.move_to(NOON.replace(hour=0))

    for number in range(24 * 60 - 1):  # a change a minute, of five products each
        outdated(store, *(f"product:{number}-{one}" for one in range(5)))
        time.tick(timedelta(minutes=1))
        if one := claimed(store):
            paid += len(one.tags)
            settled(store, one)

    in_pauses = (24 * 60 - 100) // 10
    assert invalidation.TAGS_A_DAY <= paid <= invalidation.TAGS_A_DAY + in_pauses
    time.tick(timedelta(hours=1))
    rest = claimed(store)
    assert rest is not None
    settled(store, rest)
    outdated(store, "product:new-day")
    time.tick(SECOND)
    fresh = claimed(store)
    assert fresh is not None
    assert fresh.tags == ("product:new-day",)


def test_who_dies_before_the_edge_was_told_is_followed_by_another(time: FrozenClock) -> None:
    store = a_store()
    outdated(store, "product:a")
    time.tick(SECOND)
    dead = claimed(store)

    meanwhile = claimed(store)
    time.tick(invalidation.LEASE + SECOND)
    follower = claimed(store)

    assert meanwhile is None
    assert dead is not None
    assert follower == dead
    assert follower.reference == dead.reference  # so the edge, if it was told, is not told twice


def test_what_changes_again_while_the_edge_is_told_is_told_again(time: FrozenClock) -> None:
    store = a_store()
    outdated(store, "product:a")
    time.tick(SECOND)
    first = claimed(store)
    assert first is not None

    outdated(store, "product:a")
    settled(store, first)
    time.tick(SECOND)
    again = claimed(store)

    assert again is not None
    assert again.tags == ("product:a",)
    assert again.reference != first.reference


def test_of_two_who_claim_at_once_one_gets_everything() -> None:
    store = a_store()
    with clock.frozen(clock.now() - 2 * SECOND):
        outdated(store, *(f"product:{number}" for number in range(10)))

    with ThreadPoolExecutor(8) as pool:
        got = [one for one in pool.map(lambda _: claimed(store), range(8)) if one is not None]

    assert [len(one.tags) for one in got] == [10]


def test_a_store_claims_its_own_tags_alone(time: FrozenClock, sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    outdated(mine, "product:mine")
    outdated(theirs, "product:theirs")
    time.tick(SECOND)

    got = claimed(mine)

    assert got is not None
    assert got.tags == ("product:mine",)
    assert waiting(sql, theirs) == ["product:theirs"]


def test_the_sweep_finds_what_was_left_behind_and_no_more(time: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    left, told, young = a_store(), a_store(), a_store()
    for store in (left, told):
        outdated(store, "product:a")
    time.tick(timedelta(seconds=11))
    outdated(young, "product:a")
    assert claimed(told) is not None
    sent = collect(monkeypatch)
    monkeypatch.setattr(sweep_edge, "_MOST", 100_000)  # other tests' stores wait, too

    sweep_edge.handler({"id": "1"}, None)

    found = {body["store_id"] for _, body, _ in sent}
    assert str(left.id) in found
    assert not found & {str(told.id), str(young.id)}


def test_the_edge_is_told_as_cloudfront_takes_it(time: FrozenClock, sql: Sql, cloudfront: Any) -> None:
    store, product = a_store(), ids.new_id()
    outdated(store, surrogates.product(product), surrogates.lists(store.id))
    time.tick(SECOND)

    with use_settings(edge_distribution=cloudfront.distribution):
        failed = deliver(invalidate.handler, "edge-invalidations", {"store_id": str(store.id)})

    assert failed == []
    assert waiting(sql, store) == []
    assert cloudfront.told() == [sorted([f"#{surrogates.product(product)}", f"#{surrogates.lists(store.id)}"])]


def test_an_edge_that_refuses_is_told_again(time: FrozenClock, sql: Sql, cloudfront: Any) -> None:
    store = a_store()
    outdated(store, "product:a")
    time.tick(SECOND)

    with use_settings(edge_distribution="ENOSUCH"):
        failed = deliver(invalidate.handler, "edge-invalidations", {"store_id": str(store.id)})
    time.tick(invalidation.LEASE + SECOND)
    with use_settings(edge_distribution=cloudfront.distribution):
        again = deliver(invalidate.handler, "edge-invalidations", {"store_id": str(store.id)})

    assert (len(failed), again) == (1, [])
    assert waiting(sql, store) == []
    assert cloudfront.told() == [["#product:a"]]


def test_a_busy_edge_is_told_again_by_the_sweep(
    time: FrozenClock, sql: Sql, cloudfront: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store()
    outdated(store, "product:a")
    time.tick(SECOND)
    busy = ClientError({"Error": {"Code": "TooManyInvalidationsInProgress"}}, "CreateInvalidation")
    kind = cloudfront.client.exceptions.TooManyInvalidationsInProgress

    with monkeypatch.context() as now, use_settings(edge_distribution=cloudfront.distribution):
        now.setattr(cloudfront.client, "create_invalidation", lambda **_: raise_(kind(busy.response, "x")))
        now.setattr(invalidation, "_client", lambda: cloudfront.client)
        failed = deliver(invalidate.handler, "edge-invalidations", {"store_id": str(store.id)})
    again = claimed(store)

    assert failed == []
    assert waiting(sql, store) == ["product:a"]
    assert again is not None


def test_without_an_edge_what_it_would_forget_is_forgotten(time: FrozenClock, sql: Sql) -> None:
    store = a_store()
    outdated(store, "product:a")
    time.tick(SECOND)

    failed = deliver(invalidate.handler, "edge-invalidations", {"store_id": str(store.id)})

    assert failed == []
    assert waiting(sql, store) == []


def test_a_changed_store_takes_all_of_it_back_once(sql: Sql) -> None:
    store = a_store()
    store.merchant.patch("/store", json={"name": "Rupali Fashion House"})
    event = envelope(sql, store, "store.updated")

    for _ in range(2):  # SQS delivers at least once
        assert deliver(outdate.handler, "edge-outdating", event) == []

    assert waiting(sql, store) == [surrogates.store(store.id)]


def test_a_revoked_key_takes_back_what_was_fetched_by_it(sql: Sql) -> None:
    store = a_store()
    keys = store.merchant.get("/credentials").json()["data"]
    (shown,) = [one["id"] for one in keys if one["kind"] == "publishable"]
    revoked = store.merchant.delete(f"/credentials/{shown}")
    assert revoked.status_code in (200, 204), revoked.text

    assert deliver(outdate.handler, "edge-outdating", envelope(sql, store, "credential.revoked")) == []

    assert waiting(sql, store) == [surrogates.store(store.id)]


class CloudFront:
    """The emulated CloudFront with one distribution."""

    def __init__(self) -> None:
        self.client = boto3.client("cloudfront", region_name="us-east-1")
        talk = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
        origin = {"Id": "o", "DomainName": "api.example", "CustomOriginConfig": talk}
        config: Any = {  # what the emulated one reads of it
            "CallerReference": "one",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        }
        made = self.client.create_distribution(DistributionConfig=config)
        self.distribution = made["Distribution"]["Id"]

    def told(self) -> list[list[str]]:
        """Return the items of each invalidation."""
        listed = self.client.list_invalidations(DistributionId=self.distribution)["InvalidationList"].get("Items", [])
        whole = [self.client.get_invalidation(DistributionId=self.distribution, Id=one["Id"]) for one in listed]
        return [sorted(one["Invalidation"]["InvalidationBatch"]["Paths"]["Items"]) for one in whole]


@pytest.fixture
def cloudfront(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFront]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        invalidation._client.cache_clear()
        yield CloudFront()
    invalidation._client.cache_clear()


def collect(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Mapping[str, Any], int]]:
    sent: list[tuple[str, Mapping[str, Any], int]] = []

    def take(queue: str, bodies: Sequence[Mapping[str, Any]], *, delay: int = 0) -> None:
        sent.extend((queue, body, delay) for body in bodies)

    monkeypatch.setattr(queues, "send", take)
    return sent


def envelope(sql: Sql, store: StoreUnderTest, kind: str) -> dict[str, Any]:
    rows = sql(
        "select id, payload from domain_events where store_id = %s and type = %s order by id desc", store.id, kind
    )
    told = {"id": str(rows[0]["id"]), "type": kind, "payload": rows[0]["payload"]}
    return {"store_id": str(store.id), "correlation_id": "test", "event": told}


def raise_(error: Exception) -> None:
    raise error
