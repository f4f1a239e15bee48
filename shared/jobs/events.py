"""What jobs tell the world: that one waits for a worker, and that one came to its end."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import JobId
from shared.jobs.states import JobStatus

_JOB = ids.decode("job", "job_01h455vb4pex5vsknk084sn02q")


class _JobEvent(DomainEvent):
    """What every event of a job carries."""

    entity: ClassVar[str] = "job"

    job_id: JobId
    version: int
    kind: str

    def subject(self) -> tuple[UUID, int]:
        """Return the job; each change of its status makes a new version of it."""
        return self.job_id, self.version


class JobQueued(_JobEvent):
    """A job waits for a worker, for the first time or to be gone on with."""

    type: ClassVar[str] = "job.queued"

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(job_id=_JOB, version=2, kind="product_import")


class JobFinished(_JobEvent):
    """A job came to its end; `status` says to which."""

    type: ClassVar[str] = "job.finished"

    status: JobStatus

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(job_id=_JOB, version=9, kind="product_import", status=JobStatus.SUCCEEDED)
