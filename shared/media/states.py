"""The state machine of a picture. The migration that makes the table holds the same steps in a trigger."""

from enum import StrEnum

from shared.core.states import StateMachine


class MediaStatus(StrEnum):
    """How far a picture is; shoppers see only a ready one."""

    AWAITING_UPLOAD = "awaiting_upload"
    QUEUED = "queued"
    PROCESSING = "processing"  # a worker has it, until its lease ends
    READY = "ready"
    REFUSED = "refused"  # it is no picture that we take; `refusal` says why
    FAILED = "failed"  # its source could not be had


MEDIA = StateMachine(
    "picture",
    initial=frozenset({"awaiting_upload", "queued"}),
    steps={
        "awaiting_upload": frozenset({"queued", "processing"}),
        "queued": frozenset({"processing"}),
        "processing": frozenset({"queued", "ready", "refused", "failed"}),
        "ready": frozenset(),
        # What was fetched in vain is fetched again when somebody asks for the same address again.
        "refused": frozenset({"queued"}),
        "failed": frozenset({"queued"}),
    },
)
