"""The state machine of a job. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class JobStatus(StrEnum):
    """How far a job is."""

    AWAITING_UPLOAD = "awaiting_upload"  # the file that it works on is not there yet
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"  # it came to its end; single rows may have failed, see the findings
    FAILED = "failed"  # it could not go on; `failure` says why
    CANCELED = "canceled"


JOB = StateMachine(
    "job",
    initial=frozenset({"awaiting_upload", "queued"}),
    steps={
        "awaiting_upload": frozenset({"queued", "canceled", "failed"}),
        "queued": frozenset({"running", "canceled"}),
        "running": frozenset({"queued", "succeeded", "failed", "canceled"}),
        "succeeded": frozenset(),
        "failed": frozenset(),
        "canceled": frozenset(),
    },
)

OPEN = frozenset({JobStatus.AWAITING_UPLOAD, JobStatus.QUEUED, JobStatus.RUNNING})
