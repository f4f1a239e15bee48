"""From a placed order to the message in somebody's hand: through the relay and the consumers, as SQS calls them."""

import json
import stat
from typing import Any
from urllib.parse import urlsplit

import pytest

from shared.core.settings import use_settings
from tests.client import Client
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store, add_product
from tests.messaging.conftest import Folder, Queues, deliver_to
from tests.orders.purchases import BUYER, an_order

pytestmark = pytest.mark.usefixtures("watch")

BY_EMAIL: dict[str, Any] = {"contact": {"name": "Salma", "email": "salma@example.com", "phone": "+8801712345678"}}


def test_an_order_by_phone_is_confirmed_in_bengali_by_sms(between: Queues, outgoing: Folder) -> None:
    store = called("রূপালী", a_store(stock={"MUG": 5}, price={"MUG": 129900}))
    an_order(store, {"MUG": 2})

    failed = between.run(store)

    [message] = outgoing.of(store)
    assert failed == []
    assert (message["channel"], message["to"], message["purpose"]) == ("sms", "+8801712345678", "order_confirmation")
    assert message["text"].startswith("ধন্যবাদ। রূপালী আপনার অর্ডার #1001 পেয়েছে। 2 × Product MUG. সর্বমোট: ৳2,658.00. ")
    assert message["html"] is None


def test_an_order_with_an_address_is_confirmed_by_email_in_the_orders_language(
    between: Queues, outgoing: Folder
) -> None:
    store = called("Rupali", a_store(stock={"MUG": 5}, price={"MUG": 129900}))
    an_order(store, {"MUG": 2}, locale="en-GB", **BY_EMAIL)

    between.run(store)

    [message] = outgoing.of(store)
    assert (message["channel"], message["to"]) == ("email", "salma@example.com")
    assert message["subject"] == "Rupali: your order #1001"
    assert "2 × Product MUG: ৳2,598.00\n\nSubtotal: ৳2,598.00\nShipping: ৳60.00\nTotal: ৳2,658.00\n" in message["text"]
    assert '<html lang="en-GB">' in message["html"]


def test_the_link_in_the_message_opens_the_order(between: Queues, outgoing: Folder) -> None:
    store = a_store(stock={"MUG": 5})
    order = an_order(store)
    between.run(store)

    link = urlsplit(outgoing.of(store)[0]["text"].split()[-1])
    answer = Client().get(link.path.removeprefix("/api/v1") + "?" + link.query)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert f"<h1>অর্ডার {order['number']}</h1>" in answer.text


def test_an_event_that_comes_again_confirms_nothing_again(between: Queues, outgoing: Folder, sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    an_order(store)
    between.run(store)
    again = list(between.delivered)

    for queue, body in again:
        assert deliver_to(queue, body) == []
    between.run(store)

    assert len(outgoing.of(store)) == 1
    rows = sql("select status, attempts, answers from outgoing_messages where store_id = %s", store.id)
    assert [(row["status"], row["attempts"], len(row["answers"])) for row in rows] == [("sent", 1, 1)]


def test_the_words_and_the_address_stand_nowhere_in_clear(between: Queues, sql: Sql) -> None:
    store = a_store(stock={"MUG": 5})
    an_order(store, **BY_EMAIL)

    between.run(store)

    rows = sql("select to_jsonb(m)::text as row from outgoing_messages m where store_id = %s", store.id)
    told = sql("select payload::text as row from domain_events where store_id = %s", store.id)
    everything = "".join(row["row"] for row in rows + told) + json.dumps(between.delivered)
    assert "outgoing-messages" in everything  # the message went through the queues
    assert not [word for word in ("salma", "Salma", "1712345678", "Product MUG") if word in everything]


def test_the_file_of_a_message_is_its_owners_alone(between: Queues, outgoing: Folder) -> None:
    store = a_store(stock={"MUG": 5})
    an_order(store)

    between.run(store)

    modes = {stat.S_IMODE(file.stat().st_mode) for file in outgoing.path.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(outgoing.path.stat().st_mode) == 0o700
    assert {file.suffix for file in outgoing.path.iterdir()} == {".json"}


def test_hostile_names_stay_text(between: Queues, outgoing: Folder) -> None:
    store = called("{number} & <b>Sons</b>", a_store())
    hostile_product(store, "<script>alert(1)</script>\u202e%s {total}")
    name = "Free money at https://evil.example <img src=x onerror=alert(1)>"
    an_order(store, {"EVIL": 1}, locale="en", contact={"name": name, "email": "a@example.com"})
    an_order(store, {"EVIL": 1}, locale="en", contact={"name": name, "phone": "01712345678"})

    between.run(store)

    email, sms = sorted(outgoing.of(store), key=lambda message: message["channel"])
    assert email["subject"] == "{number} & <b>Sons</b>: your order #1001"
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in email["html"]
    assert "&lt;b&gt;Sons&lt;/b&gt;" in email["html"]
    assert not [tag for tag in ("<script", "<b>", "<img") if tag in email["html"]]
    assert "evil.example" not in json.dumps([email, sms])  # whoever orders for another cannot speak through us
    assert "\u202e" not in sms["text"] + email["text"]
    assert "\n" not in email["subject"] + sms["text"]


def test_a_long_order_is_told_in_a_short_text_message(between: Queues, outgoing: Folder) -> None:
    skus = [f"SKU{number}" for number in range(6)]
    store = a_store(stock=dict.fromkeys(skus, 5))
    an_order(store, dict.fromkeys(skus, 1), locale="en")

    between.run(store)

    [message] = outgoing.of(store)
    assert "1 × Product SKU2; and 3 more. Total: ৳120.00." in message["text"]


def test_a_provider_that_answers_is_asked_once_in_the_cloud(
    between: Queues, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(stock={"MUG": 5})
    sent: list[dict[str, str]] = []
    monkeypatch.setattr("shared.messaging.amazon._sns", lambda: FakeSns(sent))
    an_order(store)

    with use_settings(channel="aws"):
        between.run(store)

    assert [call["PhoneNumber"] for call in sent] == [BUYER["contact"]["phone"]]
    rows = sql("select status, provider_reference from outgoing_messages where store_id = %s", store.id)
    assert rows == [{"status": "sent", "provider_reference": "sns-1"}]


class FakeSns:
    """Takes text messages as SNS does."""

    def __init__(self, sent: list[dict[str, str]]) -> None:
        self.sent = sent

    def publish(self, **call: str) -> dict[str, str]:
        self.sent.append(call)
        return {"MessageId": f"sns-{len(self.sent)}"}


def called(name: str, store: StoreUnderTest) -> StoreUnderTest:
    renamed = store.merchant.patch("/store", json={"name": name})
    assert renamed.status_code == 200, renamed.text
    return store


def hostile_product(store: StoreUnderTest, title: str) -> None:
    add_product(store, "EVIL", stock=9)
    product = store.merchant.get("/products").json()["data"][0]
    edited = store.merchant.patch(f"/products/{product['id']}", json={"title": title})
    assert edited.status_code == 200, edited.text
