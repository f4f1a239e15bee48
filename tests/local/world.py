"""A small system for the tests of the pages under /dev."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local import aws
from infra.local.messages import Outgoing
from infra.local.pages import Event, System
from infra.local.queues import Queues
from infra.local.runs import Runs
from infra.local.scheduler import Scheduler
from infra.local.state import DemoStore
from tests.local.factories import a_consumer, a_schedule

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

HOSTILE = "<script>document.title='owned'</script>"
STORE = DemoStore("store_01h455vb4pex5vsknk084sn02q", "demo", "pk_demo", "sk_demo")


@dataclass
class World:
    """A system with two queues, a schedule, an event, and whatever a test leaves in it."""

    system: System
    folder: Path
    sqs: "SQSClient"
    dead: str  # the URL of the dead-letter queue of `parcels`
    base_url: str = ""  # where they are served, if they are

    def leave(self, name: str, **fields: str) -> None:
        """Leave a message as the local channel does."""
        content = {"at": "2026-11-21T12:00:00Z", "channel": "email", "to": "ann@example.com", "subject": "", "text": ""}
        (self.folder / f"{name}.json").write_text(json.dumps(content | {"store_id": STORE.id} | fields))

    def kill(self, body: str) -> str:
        """Put a dead letter into the queue `parcels` and return its id."""
        return self.sqs.send_message(QueueUrl=self.dead, MessageBody=body)["MessageId"]


def a_world(folder: Path, sqs: "SQSClient") -> World:
    """Make a system whose messages lie in `folder`. Nothing runs by itself."""
    folder.mkdir(exist_ok=True)
    urls = aws.create_queues(sqs, [a_consumer("parcels"), a_consumer("letters")])
    runs = Runs()
    happened = Event(
        at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        store="demo",
        type="order.placed",
        entity="order 7",
        version=1,
        payload={"note": HOSTILE},
        correlation_id="c-1",
    )
    system = System(
        outgoing=Outgoing(folder),
        runs=runs,
        queues=Queues(sqs, urls),
        scheduler=Scheduler([a_schedule("rate(1 hour)")], runs),
        stores=[STORE],
        events=lambda: [happened],
    )
    return World(system, folder, sqs, urls["parcels" + aws.DEAD])
