"""Small Lambda handlers that the tests of the local system call by their names, as the topology names real ones."""

import json
import threading
from collections import Counter
from typing import Any

from fastapi import FastAPI, Request, Response
from mangum import Mangum

from shared.core import arrivals

type Event = dict[str, Any]

_shop = FastAPI()


@_shop.api_route("/echo/{word}", methods=["GET", "POST"])
async def _echo(word: str, request: Request, response: Response) -> dict[str, Any]:
    response.set_cookie("first", "1")
    response.set_cookie("second", "2")
    body = await request.body()
    return {
        "word": word,
        "query": request.query_params.multi_items(),
        "cookies": request.cookies,
        "body": body.decode("latin-1"),
        "client": request.client.host if request.client else None,
        "host": request.headers["host"],
        "thread": threading.current_thread().name,
    }


@_shop.get("/picture")
def _picture() -> Response:
    return Response(bytes(range(256)), media_type="image/png")


@_shop.get("/empty")
def _empty() -> Response:
    return Response(status_code=204)


def shop(event: Event, context: Any) -> Event:
    """Serve an HTTP request by FastAPI, as the real endpoints do."""
    arrivals.own_loop()
    answer: Event = Mangum(_shop, lifespan="off")(event, context)
    return answer


def raising(_event: Event, _context: object) -> Event:
    """Fail, as a function with a bug does."""
    message = "a bug"
    raise RuntimeError(message)


class Gate:
    """Holds a handler until a test opens it."""

    def __init__(self) -> None:
        """Begin closed."""
        self.entered = threading.Event()
        self.opened = threading.Event()


gate = Gate()


def waiting(_event: Event, _context: object) -> Event:
    """Wait until the test says so, for half a minute at most."""
    gate.entered.set()
    gate.opened.wait(30)
    return {"statusCode": 200, "body": "late"}


class Inbox:
    """What the consumer and the schedule below were called with."""

    def __init__(self) -> None:
        """Begin empty."""
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.batches: list[Event] = []
        self.firings: list[Event] = []
        self.failing: set[str] = set()  # bodies that fail
        self.crash = False
        self.tries: Counter[str] = Counter()


inbox = Inbox()


def consume(event: Event, context: Any) -> Event:
    """Take a batch; fail the messages that the test wants to fail."""
    assert context.get_remaining_time_in_millis() > 0
    inbox.batches.append(event)
    bodies = {record["messageId"]: record["body"] for record in event["Records"]}
    inbox.tries.update(bodies.values())
    if inbox.crash:
        message = "the whole batch fails"
        raise RuntimeError(message)
    failed = [message_id for message_id, body in bodies.items() if body in inbox.failing]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def tick(event: Event, _context: object) -> None:
    """Be called by a schedule."""
    json.dumps(event)
    inbox.firings.append(event)
    if inbox.crash:
        message = "this firing fails"
        raise RuntimeError(message)
