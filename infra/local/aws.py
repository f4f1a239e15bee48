"""The AWS services of the local system: moto's SQS in a process of its own, bound to 127.0.0.1.

Moto keeps everything in memory. Nothing lives there alone: a message that a crash loses is found again from the rows by
the sweeps, and whatever else must survive lies under the state folder. The process ends when the one that started it
ends, kill -9 included, because it reads from a pipe that closes then.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING

from infra.local import events

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

    from shared.core.topology import Consumer

QUEUE_NAMES = "stormcom-local-"
DEAD = "-dead"  # what a dead-letter queue is called after its queue
_RETENTION = str(14 * 24 * 3600)  # seconds; the longest that SQS keeps a dead letter
_LAMBDA_RULE = 6  # AWS: a queue hides a message for at least six times its function's timeout
# A developer's own AWS set-up must not be read, let alone called.
_FOREIGN = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_CA_BUNDLE",
)


class Services:
    """The emulation, as a child process."""

    def __init__(self) -> None:
        """Prepare; nothing starts before `start`."""
        self._process: subprocess.Popen[str] | None = None
        self.endpoint = ""

    def launch(self) -> subprocess.Popen[str]:
        """Start the process without waiting for it; `start` waits."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.aws"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_IDENTITY},
            start_new_session=True,  # Ctrl-C is for the runner, which stops things in their order
        )
        return self._process

    def start(self) -> str:
        """Start, unless launched already, and return the endpoint's URL once it answers."""
        process = self._process or self.launch()
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            message = f"The emulated AWS services did not start (exit code {process.wait()})."
            raise RuntimeError(message)
        self.endpoint = line.strip()
        return self.endpoint

    def stop(self) -> None:
        """End the process that `start` started."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(timeout=10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process = None

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        return self._process.pid if self._process else None

    @property
    def queue_prefix(self) -> str:
        """The URL of a queue is this and its name: `STORMCOM_QUEUE_PREFIX`."""
        return f"{self.endpoint}/{events.ACCOUNT}/{QUEUE_NAMES}"


_IDENTITY = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": events.REGION,
    "AWS_DEFAULT_REGION": events.REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


def point_clients_at(endpoint: str, environment: MutableMapping[str, str]) -> Mapping[str, str]:
    """Make every boto3 client of this environment call `endpoint`, under an identity that AWS would refuse."""
    for name in _FOREIGN:
        environment.pop(name, None)
    set_now = {**_IDENTITY, "AWS_ENDPOINT_URL": endpoint}
    environment.update(set_now)
    return set_now


def sqs(endpoint: str) -> "SQSClient":
    """Make an SQS client for the emulated services; boto3 takes 0.4 s to load, hence not at import."""
    import boto3  # noqa: PLC0415 -- see above
    from botocore import UNSIGNED  # noqa: PLC0415 -- comes with boto3
    from botocore.config import Config  # noqa: PLC0415 -- as above

    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=events.REGION,
        aws_access_key_id=_IDENTITY["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_IDENTITY["AWS_SECRET_ACCESS_KEY"],
        # Nobody checks a signature here, and it is a fifth of what a call costs.
        config=Config(max_pool_connections=50, proxies={}, signature_version=UNSIGNED),
    )


def create_queues(client: "SQSClient", consumers: "Iterable[Consumer]") -> dict[str, str]:
    """Create each consumer's queue and its dead-letter queue; return the URLs by queue name."""
    urls: dict[str, str] = {}
    for consumer in consumers:
        dead = client.create_queue(
            QueueName=QUEUE_NAMES + consumer.queue + DEAD,
            Attributes={"MessageRetentionPeriod": _RETENTION},
        )["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        urls[consumer.queue + DEAD] = dead
        urls[consumer.queue] = client.create_queue(
            QueueName=QUEUE_NAMES + consumer.queue,
            Attributes={
                "VisibilityTimeout": str(consumer.timeout * _LAMBDA_RULE),
                "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(consumer.receives)}),
            },
        )["QueueUrl"]
    return urls


def _serve() -> None:
    """Serve on a free port, say where on standard output, and end with the process that holds our standard input."""
    from infra.local import emulation  # noqa: PLC0415 -- a second of imports that only this process pays

    server = emulation.Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sqs(server.endpoint).list_queues()  # loads the backend, so that the first purchase does not wait for it
    sys.stdout.write(server.endpoint + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # without waiting for long polls that nobody hears any more


if __name__ == "__main__":
    _serve()
