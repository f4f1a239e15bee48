"""One client in a process of its own: reads what to send, says that it is ready, and sends it when it is told to.

Run as a script, with the standard library alone, so that fifty of them start in a moment. The plan comes as one line of
JSON on stdin: `{"port": ..., "requests": [{"method", "path", "headers", "body"}, ...]}`; a path may take a field of the
answer before it: `/checkouts/{id}/complete`. A refusal ends the plan. What was answered goes to stdout as one line.
"""

import http.client
import json
import sys
import time
from collections.abc import Iterator
from typing import Any


def main() -> None:
    """Carry out one plan."""
    plan = json.loads(sys.stdin.readline())
    connection = http.client.HTTPConnection("127.0.0.1", plan["port"], timeout=60)
    connection.connect()
    _say("ready")
    sys.stdin.readline()
    _say(json.dumps(list(_answers(connection, plan["requests"]))))


def _answers(connection: http.client.HTTPConnection, requests: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    last: Any = {}
    for request in requests:
        started = time.monotonic()  # one clock for all processes of a machine
        path = request["path"].format_map(last)
        headers = {"Content-Type": "application/json", **request["headers"]}
        connection.request(request["method"], path, json.dumps(request["body"]), headers)
        answer = connection.getresponse()
        last = json.loads(answer.read())
        replayed = answer.headers["Idempotent-Replayed"] == "true"
        yield {
            "status": answer.status,
            "content": last,
            "replayed": replayed,
            "started": started,
            "ended": time.monotonic(),
        }
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            return


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
