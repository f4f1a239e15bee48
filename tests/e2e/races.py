"""Races over HTTP: each racer is a process of its own, and all are let go at once."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

_RACER = Path(__file__).with_name("racer.py")


@dataclass(frozen=True)
class Request:
    """One request of a racer's plan."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True)
class Answer:
    """What came back, and when it was under way on the clock that all processes share."""

    status: int
    content: Any
    replayed: bool
    started: float
    ended: float


def run(port: int, plans: Sequence[Sequence[Request]]) -> list[list[Answer]]:
    """Start a process for each plan, let all go once the last is ready, and return what each was answered."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-I", "-S", str(_RACER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in plans
    ]
    try:
        for racer, plan in zip(racers, plans, strict=True):
            _tell(racer, json.dumps({"port": port, "requests": [vars(request) for request in plan]}))
        for racer in racers:
            assert _hear(racer) == "ready"
        for racer in racers:
            _tell(racer, "go")
        return [[Answer(**answer) for answer in json.loads(_hear(racer))] for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def most_at_once(answers: Sequence[Sequence[Answer]]) -> int:
    """Return how many requests were under way at the same moment, at most."""
    edges = [(answer.started, 1) for plan in answers for answer in plan]
    edges += [(answer.ended, -1) for plan in answers for answer in plan]
    return max(accumulate(change for _, change in sorted(edges)))


def _tell(racer: "subprocess.Popen[str]", line: str) -> None:
    assert racer.stdin is not None
    racer.stdin.write(line + "\n")
    racer.stdin.flush()


def _hear(racer: "subprocess.Popen[str]") -> str:
    assert racer.stdout is not None
    return racer.stdout.readline().rstrip("\n")
