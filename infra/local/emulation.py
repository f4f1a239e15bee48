"""The emulated SQS: moto's queues, behind a server whose connections stay open.

What is answered is moto's. Its own server, though, pays 2.4 ms of CPU a call (a connection, a thread and a listing of
its folder each), and its queues look several times at every message at every call: with 6,000 waiting, a send took
40 ms, and to take ten over a second, so that a burst which the consumers could bear drowned them. Here a call costs
0.8 ms, and two or three times that with 6,000 waiting.
"""

import sys
from collections import deque
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

from moto.core.request import Request
from moto.core.utils import unix_time_millis
from moto.sqs import models
from moto.sqs.exceptions import ReceiptHandleIsInvalid
from moto.sqs.responses import SQSResponse

_TARGET = "AmazonSQS."  # how the header begins that names the operation


class Queue(models.Queue):
    """Moto's queue, which reads the clock once a call rather than several times a message, and deletes by one pass."""

    @property
    def messages(self) -> list[models.Message]:
        """Return what can be received now."""
        now = unix_time_millis()
        return [one for one in self._messages if one.visible_at < now and one.delayed_until <= now]

    @property
    def approximate_number_of_messages_delayed(self) -> int:
        """Count what was sent for later."""
        now = unix_time_millis()
        return sum(1 for one in self._messages if one.delayed_until > now)

    @property
    def approximate_number_of_messages_not_visible(self) -> int:
        """Count what was received and neither deleted nor given back."""
        now = unix_time_millis()
        return sum(1 for one in self._messages if one.visible_at >= now)

    def delete_message(self, receipt_handle: str) -> None:
        """Delete the message that was received by this handle; deleting it again is no error."""
        if receipt_handle in self.deleted_messages:
            return
        with self._messages_lock:  # as whoever adds one has it: moto's own way can lose what is sent meanwhile
            # What was received stands at the front, so the search is short.
            found = next((one for one in self._messages if one.had_receipt_handle(receipt_handle)), None)
            if found is None:
                raise ReceiptHandleIsInvalid
            self._messages = [one for one in self._messages if one is not found]
            self.pending_messages.discard(found)
            self.deleted_messages.update(handle for handle in found.all_receipt_handles if handle is not None)


class Server(ThreadingTCPServer):
    """Serves SQS on a free port of this machine, a thread a connection."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self) -> None:
        """Take the port; `serve_forever` serves."""
        models.Queue = Queue  # type: ignore[misc]  # what moto makes when it is asked for a queue
        models.Message.instances_tracked = deque(maxlen=0)  # type: ignore[attr-defined]  # or it keeps all for ever
        super().__init__(("127.0.0.1", 0), _Line)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 -- the library's own
        """Say nothing of a client that hung up before its answer, as a poll does whose system stops."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def endpoint(self) -> str:
        """Return the URL that clients call."""
        host, port, *_ = self.server_address
        return f"http://{host!s}:{port}"


class _Line(BaseHTTPRequestHandler):
    """A client's connection: one call after the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it would hold answers back for 40 ms
    wbufsize = -1  # one packet an answer

    def do_POST(self) -> None:
        """Answer one call."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.headers.get("X-Amz-Target", "").startswith(_TARGET):
            self.send_error(501, "Of the AWS services, the local system emulates SQS alone.")
            return
        url = f"http://{self.headers['Host']}{self.path}"
        request = Request.from_primitives("POST", url, self.headers, content)
        status, headers, body = SQSResponse.dispatch(request, url, dict(request.headers))
        answer = body.encode() if isinstance(body, str) else body
        self.send_response_only(int(status))
        for name, value in headers.items():
            if name.lower() != "content-length":
                self.send_header(name, str(value))
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
