"""Seals a tenant's audit entries: one block of what has come since the last one."""

from sqlalchemy.orm import Session

from shared.audit import sealing
from shared.audit.chain import Block
from shared.audit.sealing import Draft
from shared.audit.sealing_keys import sealing_keys
from shared.core import audit
from shared.core.functions import Message, consumer_in_steps


class EntriesWait(Message):
    """A tenant has entries that no block holds."""


def claim(_waiting: EntriesWait, session: Session) -> Draft | None:
    """Draft the next block; a message too many finds that nothing waits."""
    return sealing.claim(session, key_version=sealing_keys().current_version)


def sign(draft: Draft) -> Block:
    """Have the key's owner sign it."""
    return sealing.sign(draft, sealing_keys())


def append(draft: Draft, block: Block, session: Session) -> None:
    """Append it to the chain, unless another worker was first: then it was in vain."""
    sealing.append(session, draft, block)


seal = consumer_in_steps(
    audit.QUEUE,
    claim=claim,
    work=sign,
    settle=append,
    batch=10,
    timeout=60,
    receives=3,  # a message that fails here is sent again by the next minute's sweep
    concurrency=5,
    uses=("audit_key", "queues"),
)
handler = seal.handler
