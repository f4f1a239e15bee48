"""What people do in a race, each as a plan of calls; as a script, fifty of them in a process of their own, over HTTP.

The script needs the standard library alone, so that ten processes start in a moment. Its plan comes as one line of JSON
on stdin; it says that it is ready, lets all of its people go at once when it is told to, and tells what each met.
"""

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

type Send = Callable[[str, str, Any, Mapping[str, str]], tuple[int, Any]]  # method, path, body, headers; status, answer
type Person = Mapping[str, Any]  # `does`, `number`, and for who buys a `basket` by variant id
type Met = dict[str, Any]  # the person, with `calls`, and what of it lasts: `sold`, `moved`; `refusals` within a batch

ADDRESS = {"line1": "House 7, Road 3", "city": "Dhaka"}
CASH = {"payment_method": "cash_on_delivery"}
_REFUSED = 400  # from here on


def live(send: Send, person: Person, *, key: str, token: str, under_way: threading.Semaphore) -> Met:
    """Do what a person came for; a refusal ends it. `key` and `token` are the store's.

    Of each person's next call, those that get hold of `under_way` are on their way; the others wait.
    """
    met: Met = {**person, "calls": [], "sold": {}, "moved": 0}
    scribe = _Scribe(send, met["calls"], under_way)
    with contextlib.suppress(_Ended):
        _ACTS[person["does"]](scribe, met, {"X-Publishable-Key": key}, {"Authorization": f"Bearer {token}"})
    return met


class _Ended(Exception):
    """A call was refused."""


class _Scribe:
    """Sends, and writes down when and how it was answered."""

    def __init__(self, send: Send, calls: list[dict[str, Any]], under_way: threading.Semaphore) -> None:
        self._send = send
        self._calls = calls
        self._under_way = under_way

    def __call__(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        with self._under_way:
            started = time.monotonic()  # one clock for all processes of a machine
            status, content = self._send(method, path, body, headers)
            ended = time.monotonic()
        code = content.get("code") if isinstance(content, dict) and status >= _REFUSED else None
        self._calls.append({"path": path, "status": status, "code": code, "started": started, "ended": ended})
        if status >= _REFUSED:
            raise _Ended
        return content


def _buy(scribe: _Scribe, met: Met, shopper: Mapping[str, str], merchant: Mapping[str, str]) -> str:
    checkout_id, guest = _start(scribe, met, shopper, merchant)
    headers = {**guest, "Idempotency-Key": f"buy-{checkout_id}"}
    placed = scribe("POST", f"/storefront/checkouts/{checkout_id}/complete", CASH, headers)
    met["sold"] = met["basket"]
    order_id: str = placed["order"]["id"]
    return order_id


def _start(
    scribe: _Scribe, met: Met, shopper: Mapping[str, str], _merchant: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    cart = scribe("POST", "/storefront/carts", {"lines": _lines(met)}, shopper)
    guest = {**shopper, "X-Cart-Token": cart["token"]}
    started = scribe("POST", "/storefront/checkouts", {**_buyer(met), "cart_id": cart["id"]}, guest)
    return started["id"], guest


def _give_up(scribe: _Scribe, met: Met, shopper: Mapping[str, str], merchant: Mapping[str, str]) -> None:
    checkout_id, guest = _start(scribe, met, shopper, merchant)
    scribe("DELETE", f"/storefront/checkouts/{checkout_id}", None, guest)


def _regret(scribe: _Scribe, met: Met, shopper: Mapping[str, str], merchant: Mapping[str, str]) -> None:
    order_id = _buy(scribe, met, shopper, merchant)
    headers = {**merchant, "Idempotency-Key": f"cancel-{order_id}"}
    scribe("POST", f"/orders/{order_id}/cancel", {"reason": "customer"}, headers)
    met["sold"] = {}


def _order(scribe: _Scribe, met: Met, _shopper: Mapping[str, str], merchant: Mapping[str, str]) -> None:
    headers = {**merchant, "Idempotency-Key": f"till-{met['name']}"}
    scribe("POST", "/orders", {**_buyer(met), "lines": _lines(met)}, headers)
    met["sold"] = met["basket"]


def _adjust(scribe: _Scribe, met: Met, _shopper: Mapping[str, str], merchant: Mapping[str, str]) -> None:
    headers = {**merchant, "Idempotency-Key": f"shelf-{met['name']}"}
    scribe("POST", f"/inventory/{met['variant']}/adjustments", {"delta": met["delta"]}, headers)
    met["moved"] = met["delta"]


def _declare(scribe: _Scribe, met: Met, _shopper: Mapping[str, str], merchant: Mapping[str, str]) -> None:
    headers = {**merchant, "Idempotency-Key": f"count-{met['name']}"}
    documents = met["documents"]
    if len(documents) == 1:
        scribe("PUT", "/products", documents[0], headers)
        return
    told = scribe("POST", "/products/batch", {"products": documents}, headers)
    met["refusals"] = [one["problem"]["code"] for one in told["products"] if one["problem"]]


def _lines(met: Met) -> list[dict[str, Any]]:
    return [{"variant_id": variant, "quantity": quantity} for variant, quantity in met["basket"].items()]


def _buyer(met: Met) -> dict[str, Any]:
    contact = {"name": f"Shopper {met['number']}", "phone": f"+88017{met['number']:08}"}
    return {"contact": contact, "shipping_address": ADDRESS}


_ACTS: dict[str, Callable[[_Scribe, Met, Mapping[str, str], Mapping[str, str]], object]] = {
    "buy": _buy,
    "leave": _start,  # and never come back: the reservation ends by itself
    "give up": _give_up,
    "regret": _regret,
    "order": _order,
    "adjust": _adjust,
    "declare": _declare,
}


class _Line:
    """One person's line to the gateway: a connection for each call, since who waits long is hung up on."""

    def __init__(self, port: int) -> None:
        self._port = port

    def send(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1{path}", content, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(told) if told.startswith((b"{", b"[")) else told.decode()


def main() -> None:
    """Live the lives of one process's people."""
    plan = json.loads(sys.stdin.readline())
    people, go, met = plan["people"], threading.Event(), []
    under_way = threading.BoundedSemaphore(plan["at_once"])

    def one(person: Person, line: _Line) -> None:
        go.wait()
        met.append(live(line.send, person, key=plan["key"], token=plan["token"], under_way=under_way))

    threads = [threading.Thread(target=one, args=(person, _Line(plan["port"]))) for person in people]
    for thread in threads:
        thread.start()
    _say("ready")
    sys.stdin.readline()
    go.set()
    for thread in threads:
        thread.join()
    _say(json.dumps(met))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
