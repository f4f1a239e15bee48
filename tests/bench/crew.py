"""Many callers in one process, each with a connection of their own: they live through acts, one after another.

It shares the machine with what it measures, so it waits for all connections at once and does little between two calls.
What it took itself is told beside what it measured.
"""

import json
import random
import select
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import children
from tests.bench.acts import KINDS, Cast
from tests.bench.line import Line
from tests.bench.purchase import Act, Call, Shop, refusal

_PATIENCE = 30  # seconds without any answer
_HEAD = "{} /api/v1{} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n{}\r\n"


class Caller:
    """Who acts over one connection. What they measure goes into the tally that all share."""

    def __init__(self, line: Line) -> None:
        """Do nothing yet."""
        self.line = line
        self.acted = 0
        self._act: Act | None = None
        self._call: Call | None = None
        self._act_began = self._call_began = 0.0

    def begin(self, act: Act) -> bool:
        """Make the first call of an act; tell whether it has one."""
        self._act, self._act_began = act, time.perf_counter()
        return self._next(None)

    def hear(self, tally: "Tally") -> bool:
        """Take what has come, and make the act's next call if it is an answer; tell whether the act is over."""
        answer = self.line.hear()
        if answer is None:
            return False
        assert self._call is not None
        now, (status, body) = time.perf_counter(), answer
        told = json.loads(body)
        if status != self._call.expected:
            tally.refusals[refusal(self._call, status, told)] += 1
            return True
        tally.walls[self._call.name].append(now - self._call_began)
        if self._next(told):
            return False
        tally.whole.append(now - self._act_began)
        self.acted += 1
        return True

    def _next(self, told: Any) -> bool:
        assert self._act is not None
        try:
            self._call = self._act.send(told)
        except StopIteration:
            return False
        self._call_began = time.perf_counter()
        self.line.ask(_request(self._call))
        return True


class Tally:
    """What all callers measured: seconds of whole acts and of each call, and what was refused."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.whole: list[float] = []
        self.walls: dict[str, list[float]] = defaultdict(list)
        self.refusals = Counter[str]()


def main() -> None:
    """Connect, prepare, warm up, tell that it counts from here, act until the time is up, tell what was measured."""
    facts = children.told()
    voice = children.own_voice()
    cast = Cast(_shops(Path(facts["shops"])), random.Random(facts["seed"]))
    kind = KINDS[facts["act"]]
    ports = facts["ports"]
    callers = [Caller(Line(ports[number % len(ports)])) for number in range(facts["clients"])]
    warm = facts["warm"]
    if kind.prepare is not None:
        prepare, warm = kind.prepare, 0  # what is used up for warmth is not there to be measured
        _live(callers, lambda: prepare(cast), seconds=facts["preparing"], least=facts["warm_acts"] + 1)
    _live(callers, lambda: kind.act(cast), seconds=warm, least=facts["warm_acts"])
    voice.write('"counting"\n')
    if sys.stdin.readline():
        voice.write(json.dumps(_live(callers, lambda: kind.act(cast), seconds=facts["seconds"], most=facts["most"])))
        voice.write("\n")


def _live(
    callers: list[Caller], act: Callable[[], Act], *, seconds: float, least: int = 0, most: int | None = None
) -> dict[str, object]:
    """Let everybody act until the time is up, but so often at least; or until so many acts were begun in all."""
    poll = select.epoll()
    by_number = {one.line.fileno(): one for one in callers}
    for number, one in by_number.items():
        poll.register(number, select.EPOLLIN)
        one.acted = 0
    tally, begun = Tally(), 0
    cpu, began = time.process_time(), time.perf_counter()
    end = began + seconds

    def go_on(one: Caller) -> bool:
        nonlocal begun
        begun += 1
        if most is not None and begun > most:
            return False
        return (one.acted < least or time.perf_counter() < end) and one.begin(act())

    busy = sum(go_on(one) for one in callers)
    while busy:
        ready = poll.poll(_PATIENCE)
        if not ready:
            raise TimeoutError("No answer came.")
        for number, _ in ready:
            one = by_number[number]
            if one.hear(tally) and not go_on(one):
                busy -= 1
    return {
        "whole": tally.whole,
        "walls": tally.walls,
        "refusals": tally.refusals,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }


def _request(call: Call) -> bytes:
    headers = "".join(f"{name}: {value}\r\n" for name, value in call.headers.items())
    if call.body is None:
        return _HEAD.format(call.method, call.path, headers).encode()
    body = json.dumps(call.body).encode()
    headers += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return _HEAD.format(call.method, call.path, headers).encode() + body


def _shops(file: Path) -> list[Shop]:
    told = json.loads(file.read_text())
    return [Shop(publishable, secret, told["variants"]) for publishable, secret in told["keys"]]


if __name__ == "__main__":
    main()
