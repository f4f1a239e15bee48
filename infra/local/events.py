"""The events that AWS hands to a Lambda function, built from plain data, and the context that comes with them.

The local gateway, the queue pump and the scheduler call handlers with these, and so do the tests: a handler never sees
a shape that production would not send. One committed sample of each shape lies in `events/triggers/`.
"""

import base64
import hashlib
import ipaddress
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from shared.core import clock

type Event = dict[str, Any]

ACCOUNT = "123456789012"  # the account that moto serves unless told otherwise
REGION = "us-east-1"
# What API Gateway passes on as text; any other body, a form or none declared included, comes as base64.
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_TEXT_SUFFIXES = ("+json", "+xml")


@dataclass(frozen=True)
class Queued:
    """One message as a queue gives it out: what `sqs_event` makes a record of."""

    body: str
    message_id: str = field(default_factory=lambda: str(uuid4()))
    receipt_handle: str = field(default_factory=lambda: uuid4().hex)
    receives: int = 1  # how often it was given out, this time included
    sent_at: datetime | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)  # message attributes, all of type String


@dataclass
class LambdaContext:
    """What Lambda passes beside the event; the clock of `get_remaining_time_in_millis` starts when this is made."""

    function_name: str
    memory_limit_in_mb: str = "512"
    timeout: float = 30.0  # seconds
    function_version: str = "$LATEST"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    _started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def invoked_function_arn(self) -> str:
        """The function's ARN, in the account and region that the local system plays."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where CloudWatch would keep this function's lines."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """Where CloudWatch would keep the lines of this environment."""
        return f"local/[{self.function_version}]"

    @property
    def identity(self) -> None:
        """Set by AWS for mobile clients only."""

    @property
    def client_context(self) -> None:
        """Set by AWS for mobile clients only."""

    def get_remaining_time_in_millis(self) -> int:
        """Answer how long Lambda would let the function go on."""
        return max(0, int((self.timeout - (time.monotonic() - self._started)) * 1000))


def context(function_name: str, *, memory: int = 512, timeout: float = 30.0) -> LambdaContext:
    """Make the context of one invocation: `memory` in MB, `timeout` in seconds."""
    return LambdaContext(function_name, memory_limit_in_mb=str(memory), timeout=timeout)


def http_event(  # noqa: PLR0913 -- each is a part of a request, by keyword
    method: str,
    path: str,
    *,
    route: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    query: str = "",
    headers: Iterable[tuple[str, str]] | Mapping[str, str] = (),
    cookies: Sequence[str] = (),
    body: bytes | str = b"",
    source_ip: str = "127.0.0.1",
    scheme: str = "http",
    request_id: str | None = None,
) -> Event:
    """Build what an HTTP API sends, payload format 2.0.

    `path` is decoded, as HTTP APIs pass it; `query` is raw. `route` is the path template (`/orders/{order_id}`), the
    path itself unless given. Cookies come from `cookies` ("name=value") and from any `Cookie` header.
    """
    at = clock.now()
    joined, crumbs = _headers(headers)
    crumbs = [*cookies, *crumbs]
    host = joined.setdefault("host", "localhost")
    # What a client claims about the way here is kept for the addresses before ours, and replaced for the rest.
    joined["x-forwarded-for"] = ", ".join(filter(None, (joined.get("x-forwarded-for"), source_ip)))
    joined["x-forwarded-proto"] = scheme
    joined["x-forwarded-port"] = _port(host, scheme)
    content = body.encode() if isinstance(body, str) else body
    if content:
        joined.setdefault("content-length", str(len(content)))
    route_key = f"{method} {route or path}"
    domain = host.partition(":")[0]
    event: Event = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": joined,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": joined.get("user-agent", ""),
            },
            "requestId": request_id or uuid4().hex,
            "routeKey": route_key,
            "stage": "$default",
            "time": at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(at.timestamp() * 1000),
        },
        "isBase64Encoded": False,
    }
    if crumbs:
        event["cookies"] = crumbs
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if content:
        event["isBase64Encoded"] = binary = not _is_text(joined.get("content-type", ""), content)
        event["body"] = base64.b64encode(content).decode() if binary else content.decode()
    return event


def sqs_event(queue: str, messages: Iterable[Queued | str]) -> Event:
    """Build what an SQS event source sends for one batch; a plain string is a message received for the first time."""
    return {"Records": [_record(queue, Queued(m) if isinstance(m, str) else m) for m in messages]}


def schedule_event(rule: str, *, at: datetime | None = None, event_id: str | None = None) -> Event:
    """Build what an EventBridge rule sends when its schedule is due at `at` (now, unless given)."""
    moment = at or clock.now()
    return {
        "version": "0",
        "id": event_id or str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }


def _record(queue: str, message: Queued) -> Event:
    sent = int((message.sent_at or clock.now()).timestamp() * 1000)
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(sent),
            "SenderId": ACCOUNT,
            "ApproximateFirstReceiveTimestamp": str(sent),
        },
        "messageAttributes": {
            name: {"stringValue": value, "stringListValues": [], "binaryListValues": [], "dataType": "String"}
            for name, value in message.attributes.items()
        },
        # SQS names a digest that clients compare; it guards nothing.
        "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
        "awsRegion": REGION,
    }


def _headers(headers: Iterable[tuple[str, str]] | Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Separate cookies from the other headers, whose names become lower case and whose repetitions are joined."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lowered = [(name.lower(), value) for name, value in pairs]
    crumbs = [crumb for name, value in lowered if name == "cookie" for crumb in value.split("; ")]
    return _joined(pair for pair in lowered if pair[0] != "cookie"), crumbs


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    together: dict[str, str] = {}
    for name, value in pairs:
        together[name] = f"{together[name]},{value}" if name in together else value
    return together


def _is_text(content_type: str, content: bytes) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    if not kind.startswith(_TEXT_TYPES) and not kind.endswith(_TEXT_SUFFIXES):
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False  # declared as text, yet bytes that JSON can't carry
    return True


def _port(host: str, scheme: str) -> str:
    _, _, port = host.rpartition(":")
    if port.isdigit() and not _is_ipv6(host):
        return port
    return "443" if scheme == "https" else "80"


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004 - the protocol's own number
    except ValueError:
        return False
