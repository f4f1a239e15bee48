"""What breaks around the functions breaks nothing in them: every acknowledged order is there once, and stock is exact.

Small here; `python -m tests.proof faults` runs the same for longer, by its seed.
"""

import json
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

import migrations
from functions.events import relay
from infra.local import events, postgres, routing
from shared.core import clock, driver, ids, outbox, queues, topology
from shared.core import database as core_database
from shared.core.settings import use_settings
from shared.search import checking
from tests.application import Watch
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.figures import Figures
from tests.imports import files
from tests.orders.purchases import BUYER
from tests.proof import kills_facts, whole
from tests.proof.faults import LINE
from tests.proof.faults_load import Acknowledged, buy
from tests.proof.faults_network import FAULTS, BadNetwork

pytestmark = pytest.mark.usefixtures("application")

SEED = whole.seed() or int(os.environ.get("STORMCOM_PROOF_SEED", "20261121"))
IS_WHOLE = whole.seed() is not None
BUYERS = 8
ORDERS_A_CRASH = 32  # of which the last are under way when it comes
PLENTY = 1_000_000
SKUS = ["MUG", "TEA", "KIT"]
OPEN_HANDED = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 10_000}

# Who writes nothing in a life like this, each with the reason.
IDLE = {
    "audit-heads": "keeps a head in the vault, and changes no row",
    "audit-verification-jobs": "nobody asked for a verification",
    "due-jobs": "sends, and writes nothing",
    "due-messages": "no message was left behind",
    "edge-outdating": "there is no edge",
    "queued-jobs": "sends, and writes nothing",
    "search-misses": "nobody searched",
    "stock-reconciliation": "no level drifted",
    "store-upkeep": "no row is old",
    "summaries-of-groups": "the category has no products",
    "uploaded-pictures": "the sweep's message had the picture first",
}
# Whom no store's life brings a message: what they are told of belongs to the platform.
PLATFORMS = {"password-resets"}
_WRITING = re.compile(r"\b(?:insert into|update|delete from) (?!consumed_events|of\b|skip\b|set\b)\w", re.IGNORECASE)

type Sent = list[tuple[str, str]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return what went to SQS, by queue; the relay knows who subscribes."""
    messages: Sent = []

    def send(queue: str, bodies: Sequence[Mapping[str, Any]]) -> None:
        messages.extend((queue, json.dumps({"correlation_id": "test", **body})) for body in bodies)

    monkeypatch.setattr(queues, "send", send)
    return messages


@pytest.fixture
def subscribed() -> Iterator[None]:
    """Let the relay know who subscribes to what."""
    with use_settings(subscriptions=json.dumps(topology.load().subscriptions)):
        yield


@pytest.mark.usefixtures("sent")
def test_postgresql_killed_under_load_keeps_every_acknowledged_order_once(tmp_path: Path, figures: Figures) -> None:
    cluster = postgres.Cluster(tmp_path / "postgres")
    cluster.start()
    try:
        cluster.prepare("stormcom")
        migrations.upgrade(cluster.url(postgres.OWNER, "stormcom"), app_password=cluster.password("stormcom_app"))
        with use_settings(database_url=cluster.url("stormcom_app", "stormcom")):
            store = a_store(stock=dict.fromkeys(SKUS, PLENTY), settings=OPEN_HANDED)
            crashes = 12 if IS_WHOLE else 2
            orders = ORDERS_A_CRASH * crashes
            acknowledged = Acknowledged()

            with_buyers(store, acknowledged, orders, meanwhile=lambda: crash(cluster, acknowledged, crashes))

            with kills_facts.looking(cluster.url(postgres.SUPERUSER, "stormcom")) as sql:
                require_whole(sql, store, acknowledged, figures, orders=orders)
            core_database.dispose()
    finally:
        cluster.stop()
    figures.add(LINE, crashes_of_postgresql=crashes)
    assert acknowledged.again[503] > 0  # the crashes were felt


@pytest.mark.usefixtures("sent")
def test_a_network_that_delays_breaks_and_falls_silent_costs_repetitions_and_nothing_else(
    database: Database, sql: Sql, figures: Figures
) -> None:
    store = a_store(stock=dict.fromkeys(SKUS, PLENTY), settings=OPEN_HANDED)
    acknowledged = Acknowledged()
    orders = 800 if IS_WHOLE else 64
    with BadNetwork(database.app_url, SEED) as network, use_settings(database_url=network.url):
        network.is_bad = True

        with_buyers(store, acknowledged, orders, meanwhile=lambda: None)

        core_database.dispose()
    require_whole(sql, store, acknowledged, figures, orders=orders)
    assert set(network.befell) == set(FAULTS)
    figures.add(LINE, faults_of_the_network=network.befell.total())


def test_a_line_that_falls_silent_is_given_up_by_the_kernel_within_half_a_minute(database: Database) -> None:
    with driver.connect_to(database.app_url) as connection:
        line = connection._usock
        unanswered = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)  # milliseconds
        idle, between, times = (
            line.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )

    assert unanswered <= 30_000
    assert idle + between * times <= 30


@pytest.mark.usefixtures("subscribed")
def test_messages_that_come_twice_at_once_and_in_any_order_do_what_each_does_once(
    sent: Sent, sql: Sql, watch: Watch, figures: Figures
) -> None:
    stores = {consumer.queue for consumer in topology.load().consumers} - PLATFORMS
    rng, idle = Random(SEED), set(stores)
    for _ in range(20 if IS_WHOLE else 2):
        dice = rng.randrange(2**32)
        _, once, in_order = a_life_and_its_end(sent, sql, dice, storm=None, seen=partial(note_work, watch, idle))
        stormy, often, in_a_storm = a_life_and_its_end(sent, sql, dice, storm=Random(dice))

        assert in_a_storm == in_order, f"dice {dice}"
        assert kills_facts.broken(sql, stormy) == []
        assert set(once) == stores
        assert all(often[queue] > once[queue] for queue in once)
        figures.add(LINE, messages_delivered=once.total(), the_same_doubled_and_reordered=often.total())
    assert idle - IDLE.keys() == set()  # whoever has nothing to do once does nothing twice, and proves nothing


def with_buyers(
    store: StoreUnderTest, acknowledged: Acknowledged, orders: int, *, meanwhile: Callable[[], None]
) -> None:
    """Let eight buyers at once place so many orders, while something happens."""
    dice = [Random(SEED + number) for number in range(BUYERS)]
    with ThreadPoolExecutor(BUYERS) as buyers:
        buying = [buyers.submit(buy, store, acknowledged, rng, SKUS, orders // BUYERS) for rng in dice]
        meanwhile()
        for one in buying:
            one.result()


def crash(cluster: postgres.Cluster, acknowledged: Acknowledged, times: int) -> None:
    """Restart the server without a goodbye, each time that all but the last of a crash's orders were placed."""
    for number in range(1, times + 1):
        deadline = time.monotonic() + 60
        while len(acknowledged.orders) < ORDERS_A_CRASH * number - BUYERS and time.monotonic() < deadline:
            time.sleep(0.005)
        pid = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
        postmaster = psutil.Process(pid)
        postmaster.send_signal(signal.SIGQUIT)  # `pg_ctl stop -m immediate`
        cluster.stop()
        cluster.start()


def require_whole(
    sql: Sql, store: StoreUnderTest, acknowledged: Acknowledged, figures: Figures, *, orders: int
) -> None:
    """Prove that there is what was acknowledged, once, and nothing else."""
    placed = Counter(ids.encode("ord", row["id"]) for row in sql("select id from orders where store_id = %s", store.id))
    lost, doubled = Counter(acknowledged.orders) - placed, placed - Counter(acknowledged.orders)
    figures.add(LINE, orders=len(acknowledged.orders), lost=lost.total(), doubled=doubled.total())
    figures.add(LINE, sent_again=acknowledged.again.total())
    assert acknowledged.offences == []
    assert set(acknowledged.again) <= {409, 503}
    assert (len(acknowledged.orders), lost, doubled) == (orders, {}, {})
    for sku in SKUS:
        level = sql(
            "select on_hand from stock_levels where store_id = %s and variant_id = %s", store.id, store.variant_id(sku)
        )
        assert level[0]["on_hand"] == PLENTY - acknowledged.sold[sku]
    relay_all(sql, store)
    assert kills_facts.broken(sql, store) == []


def relay_all(sql: Sql, store: StoreUnderTest) -> None:
    """Relay until nothing waits."""
    body = json.dumps({"store_id": str(store.id)})
    while sql("select 1 from outbox where store_id = %s limit 1", store.id):
        answer = relay.handler(events.sqs_event(outbox.QUEUE, [body]), events.context(outbox.QUEUE))
        assert answer == {"batchItemFailures": []}


def a_life(dice: int) -> StoreUnderTest:
    """Open a store in which things happened: orders, a checkout and a cart that nobody comes back to."""
    rng = Random(dice)
    store = a_store(stock=dict.fromkeys(SKUS, PLENTY), settings=OPEN_HANDED)
    buy(store, Acknowledged(), rng, SKUS, 4)
    lines = [{"sku": sku, "quantity": rng.randint(1, 9)} for sku in SKUS]
    for _ in range(2):
        cart = store.shopper.post("/storefront/carts", json={"lines": lines}).json()
        guest = {"X-Cart-Token": cart["token"]}
        started = store.shopper.post("/storefront/checkouts", json={**BUYER, "cart_id": cart["id"]}, headers=guest)
        assert started.status_code == 201, started.text
    picture = {"file_name": "mug.jpg", "media_type": "image/jpeg", "size_bytes": 1234}
    media_id = store.merchant.post("/media", json=picture).json()["media"]["id"]
    category = store.merchant.post("/categories", json={"name": "Mugs"}).json()
    recounted = [files.product(f"product-{sku.lower()}", Title=sku, Variant_SKU=sku) for sku in SKUS]
    files.started(store, files.written([*recounted, files.product("new")]))
    for answer in (
        store.merchant.patch(f"/categories/{category['id']}", json={"name": "Cups"}),
        store.merchant.post("/exports", json={"format": "shopify_csv"}),
        store.merchant.post(f"/media/{media_id}/uploaded"),
    ):
        assert answer.status_code < 300, answer.text
    store.show()  # or the nightly check, were it first, would tell of what the events have not brought yet
    return store


def a_life_and_its_end(
    sent: Sent, sql: Sql, dice: int, *, storm: Random | None, seen: Callable[[str], None] = lambda _: None
) -> tuple[StoreUnderTest, Counter[str], kills_facts.Facts]:
    """Open such a store and deliver what it told; return it, what was delivered, and what its tables then hold."""
    with clock.frozen(clock.now()) as present:
        store = a_life(dice)
        present.tick(timedelta(hours=5))  # reservations are over, and the carts beside them idle
        delivered = deliver_all(sent, store, storm=storm, seen=seen)
        return store, delivered, kills_facts.of(sql, store)  # before there is a younger one


def note_work(watch: Watch, idle: set[str], queue: str) -> None:
    """Note that a queue's consumer wrote something since the last look, beside the mark that it had an event."""
    if any(_WRITING.search(statement) for statement in watch.statements):
        idle.discard(queue)
    watch.statements.clear()


def deliver_all(
    sent: Sent, store: StoreUnderTest, *, storm: Random | None, seen: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Let every consumer work until nothing waits; in a storm each message comes up to three times, four at once.

    `seen` is told of each queue whose message was delivered, one after the other.
    """
    consumers = {consumer.queue: consumer for consumer in topology.load().consumers}
    delivered: Counter[str] = Counter()
    of_the_store = [queue for queue, consumer in consumers.items() if not consumer.events]
    tick = json.dumps({"store_id": str(store.id)})
    sent.clear()
    for at_night in (False, True):  # the nightly check, first, would tell of what events have not brought yet
        waiting: Sent = [(queue, tick) for queue in of_the_store if (queue == checking.QUEUE) is at_night]
        quiet = 0
        while quiet < 3:  # what a delivery recorded is relayed in the next round, and what that sent in the one after
            batch = waiting if storm is None else [one for one in waiting for _ in range(storm.randint(2, 3))]
            if storm is not None:
                storm.shuffle(batch)
            with ThreadPoolExecutor(1 if storm is None else 4) as lambdas:
                failures = list(lambdas.map(lambda one: deliver(consumers[one[0]].handler, *one, seen=seen), batch))
            delivered.update(queue for queue, _ in batch)
            failed = [one for one, has_failed in zip(batch, failures, strict=True) if has_failed]
            news = [one for one in sent if one[0] != outbox.QUEUE]
            sent.clear()
            quiet = 0 if news or failed else quiet + 1
            waiting = [*failed, *news, (outbox.QUEUE, tick)]
    return delivered


def deliver(handler: str, queue: str, body: str, *, seen: Callable[[str], None]) -> bool:
    """Hand a message to its consumer, as SQS does; tell whether it comes back."""
    answer = routing.handler(handler)(events.sqs_event(queue, [body]), events.context(queue))
    seen(queue)
    return bool(answer["batchItemFailures"])
