"""Many shoppers in one process, each with a connection of their own: requests made beforehand, answers hardly read.

It shares the machine with what it measures, so it is as cheap as Python can be: one wait for all connections, two
calls of the system a request. What it took itself is told beside what it measured.
"""

import json
import select
import sys
import time
from collections import Counter
from itertools import cycle

from tests.bench import children
from tests.bench.line import Line

_PATIENCE = 30  # seconds without any answer


class Shopper:
    """Who asks for the next thing when they have been answered."""

    def __init__(self, port: int, requests: list[bytes], at: int) -> None:
        """Connect; begin with the request at this place of the list."""
        self.line = Line(port)
        self._requests = cycle(requests[at:] + requests[:at])
        self._began = 0.0

    def ask(self) -> None:
        """Send the next request."""
        self._began = time.perf_counter()
        self.line.ask(next(self._requests))

    def hear(self) -> tuple[int, float] | None:
        """Take what has come; return the status and the seconds when the answer is whole."""
        answer = self.line.hear()
        return None if answer is None else (answer[0], time.perf_counter() - self._began)


def main() -> None:
    """Tell that all are connected, wait for the word, ask until the time is up, tell what was measured."""
    facts = children.told()
    voice = children.own_voice()
    requests = [one.encode() for one in facts["requests"]]
    count = facts["clients"]
    shoppers = [Shopper(facts["port"], requests, at * len(requests) // count) for at in range(count)]
    voice.write('"ready"\n')
    if sys.stdin.readline():
        _measure(shoppers, facts["warm"])
        voice.write('"counting"\n')
        voice.write(json.dumps(_measure(shoppers, facts["seconds"])) + "\n")


def _measure(shoppers: list[Shopper], seconds: float) -> dict[str, object]:
    poll = select.epoll()
    by_number = {one.line.fileno(): one for one in shoppers}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    walls: list[float] = []
    statuses = Counter[int]()
    cpu, began = time.process_time(), time.perf_counter()
    end = began + seconds
    for one in shoppers:
        one.ask()
    waiting = len(shoppers)
    while waiting:
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise TimeoutError("No answer came.")
        for number, _ in ready:
            answer = by_number[number].hear()
            if answer is None:
                continue
            statuses[answer[0]] += 1
            walls.append(answer[1])
            if time.perf_counter() < end:
                by_number[number].ask()
            else:
                waiting -= 1
    return {
        "walls": walls,
        "statuses": statuses,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }


if __name__ == "__main__":
    main()
