"""A shopper with a connection of their own to the gateway. A process of its own, run by the bench."""

import http.client
import json
import sys
import time
from collections import Counter
from typing import Any

from tests.bench import children
from tests.bench.purchase import Buyer, Refused, Times

_WARM = 2  # rounds before it counts


def main() -> None:
    """Tell that all is ready, wait for the word, buy (or ask for nothing) until the time is up, tell the times."""
    facts = children.told()
    voice = children.own_voice()
    connection = http.client.HTTPConnection("127.0.0.1", facts["port"], timeout=30)

    def send(method: str, path: str, body: object, headers: dict[str, str]) -> tuple[int, Any]:
        content = None if body is None else json.dumps(body).encode()
        connection.request(method, "/api/v1" + path, content, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    buyer = Buyer(send, facts["publishable_key"], facts["skus"], facts["seed"])

    def round_of(times: Times) -> None:
        if facts["buys"]:
            buyer.buy(times)
        else:
            times.measure("nothing", lambda: send("GET", "/storefront/nothing", None, {}))

    times, refusals = Times(), Counter[str]()
    for _ in range(_WARM):
        round_of(Times())
    voice.write('"ready"\n')
    if not sys.stdin.readline():
        return
    end = time.monotonic() + facts["seconds"]
    while time.monotonic() < end:
        try:
            round_of(times)
        except Refused as refused:
            refusals[str(refused)] += 1
    voice.write(json.dumps({"walls": times.walls, "refusals": refusals}) + "\n")


if __name__ == "__main__":
    main()
