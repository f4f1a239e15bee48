"""Keeps the head of a tenant's chain in the vault."""

from sqlalchemy.orm import Session

from shared.audit import heads
from shared.audit.heads import Head
from shared.audit.sealing_keys import sealing_keys
from shared.audit.vault import vault
from shared.core.functions import Message, consumer_in_steps


class HeadDue(Message):
    """A tenant's chain is to have its head kept."""


def claim(_due: HeadDue, session: Session) -> Head | None:
    """Read the head."""
    return heads.present(session)


def keep(head: Head) -> bool:
    """Put it into the vault; a chain that has not grown is there already."""
    return heads.keep(head, sealing_keys(), vault())


def leave(_head: Head, _kept: bool, _session: Session) -> None:  # noqa: FBT001 -- what `keep` returned
    """Settle nothing: the vault is what remembers."""


keep_head = consumer_in_steps(
    heads.QUEUE,
    claim=claim,
    work=keep,
    settle=leave,
    batch=10,
    timeout=120,
    receives=3,  # then an operator has to look: the vault can't be reached, or holds another head
    concurrency=2,
    uses=("audit_key", "vault"),
)
handler = keep_head.handler
