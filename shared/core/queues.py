"""Sending to SQS. Receiving is Lambda's work (in the cloud) and the local pump's (on a laptop)."""

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from shared.core import context, telemetry
from shared.core.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10  # messages in one SendMessageBatch, the most that SQS takes

_WAITING = "messages_after_commit"  # the key in Session.info

_making_client = threading.Lock()


class NotSent(RuntimeError):
    """SQS did not take every message of a batch."""


@dataclass(frozen=True)
class _Waiting:
    queue: str
    body: Mapping[str, Any]
    delay: int  # seconds


def send(queue: str, bodies: Sequence[Mapping[str, Any]], *, delay: int = 0) -> None:
    """Send one message a body (plain JSON values), with the present correlation id, ten a call.

    `delay`: seconds before a consumer sees them, 900 at most. Never within a transaction: a network call must not
    hold locks.

    Raises:
        NotSent: SQS refused some; those before it are sent, so whoever retries sends them again.
    """
    correlation_id = context.current().correlation_id
    url = settings().queue_prefix + queue
    for start in range(0, len(bodies), BATCH):
        entries: list[Any] = [
            {
                "Id": str(number),
                "MessageBody": json.dumps({"correlation_id": correlation_id, **body}),
                **({"DelaySeconds": delay} if delay else {}),
            }
            for number, body in enumerate(bodies[start : start + BATCH])
        ]
        failed = _client().send_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        if failed:
            message = f"{len(failed)} of {len(entries)} messages were refused by queue {queue}: {failed[0].get('Code')}"
            raise NotSent(message)


def send_after_commit(session: Session, queue: str, body: Mapping[str, Any], *, delay: int = 0) -> None:
    """Tell a queue that there is work in rows once this transaction has committed; the same message once.

    Best effort, as the relay's kick is: a message that gets lost harms nothing if a sweep finds the rows.
    """
    waiting: dict[str, _Waiting] = session.info.setdefault(_WAITING, {})
    waiting[json.dumps([queue, body], sort_keys=True)] = _Waiting(queue, body, delay)


def send_waiting(session: Session) -> None:
    """Send what waited for this session's commit, which is done."""
    waiting: dict[str, _Waiting] = session.info.pop(_WAITING, {})
    if not settings().kick:
        return
    for one in waiting.values():
        try:
            send(one.queue, [one.body], delay=one.delay)
        except Exception:  # noqa: BLE001 -- whatever fails here, the change is committed and its author must go on
            telemetry.logger().warning(f"The queue {one.queue} could not be told; its sweep will find the work.")


def _client() -> "SQSClient":
    with _making_client:  # boto3's session may not be used by two threads while a client is made
        return _make_client()


@lru_cache(maxsize=1)
def _make_client() -> "SQSClient":
    import boto3  # noqa: PLC0415 -- 200 ms, paid by the first message and not by every cold start
    from botocore.config import Config  # noqa: PLC0415 -- comes with boto3

    # An answer waits for the kick after its commit: better no kick than a slow answer (the sweep comes after it).
    # A laptop sends from as many threads as the pool has connections; one beyond it is closed after one message.
    return boto3.client(
        "sqs",
        config=Config(
            connect_timeout=0.4, read_timeout=0.5, retries={"total_max_attempts": 1}, max_pool_connections=32
        ),
    )
