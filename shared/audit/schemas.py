"""What goes out about the audit trail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from shared.audit import chain
from shared.audit.chain import Block
from shared.audit.checking import Checked
from shared.core import ids
from shared.core.audit import AuditEntry
from shared.core.schemas import Schema
from shared.core.typeids import AuditEntryId, JobId
from shared.jobs.models import JobFinding
from shared.jobs.states import JobStatus

# How the ids of what entries speak of look on the wire. What is no thing of its own has a plain UUID.
PLAIN = frozenset({"route", "sign_in"})
PREFIXES = {
    "account": "acct",
    "attribute": "attr",
    "authenticator": "app",
    "brand": "brand",
    "cart": "cart",
    "category": "cat",
    "checkout": "chk",
    "credential": "cred",
    "custom_field": "field",
    "customer": "cust",
    "customer_code": "ccode",
    "invitation": "invite",
    "job": "job",
    "label": "label",
    "media": "media",
    "member": "member",
    "order": "ord",
    "organization": "org",
    "payment_attempt": "pay",
    "product": "prod",
    "role": "role",
    "session": "sess",
    "stock_level": "var",  # a level is named by its variant
    "store": "store",
    "user": "user",
    "variant": "var",
}


class EntryOut(Schema):
    """One change: who did what, when, from what to what."""

    id: AuditEntryId
    at: datetime
    actor_kind: str = Field(examples=["staff"])
    actor_id: str | None
    action: str = Field(examples=["product.updated"])
    entity: str = Field(examples=["product"])
    entity_id: str = Field(examples=["prod_01h455vb4pex5vsknk084sn02q"])
    before: dict[str, Any] | None = Field(description="The fields that changed, as they were; personal data masked.")
    after: dict[str, Any] | None = Field(description="The fields that changed, as they are since.")
    severity: Literal["info", "notice", "critical"]
    correlation_id: str
    request_id: str | None
    ip: str | None
    user_agent: str | None

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Present an entry."""
        return cls.model_validate(_told(entry))


class StepOut(Schema):
    """A neighbour on the way from an entry to its block's root."""

    side: Literal["left", "right"]
    hash: str


class ProofOut(Schema):
    """How an entry is bound into the chain.

    A leaf is SHA-256 of a zero byte, the entry's id as 16 bytes, and `row_hash`. With each step the present hash and
    the neighbour's, the left one first, after a one byte, come to the next; the last is the block's `root`.
    """

    block: int
    position: int = Field(description="Of the entry in its block, from 1.")
    row_hash: str
    path: list[StepOut]
    root: str
    block_hash: str
    sealed_at: datetime


class EntryWithProof(EntryOut):
    """One change, and the proof that it is sealed; null while it waits for the next block, a minute at most."""

    proof: ProofOut | None

    @classmethod
    def proven(cls, entry: AuditEntry, block: Block | None) -> Self:
        """Present an entry with its proof."""
        return cls.model_validate({**_told(entry), "proof": None if block is None else _proof(entry, block)})


class FindingOut(Schema):
    """One thing that is not as it was sealed."""

    code: str = Field(examples=["entry_altered"])
    subject: str = Field(description="The block, or the entry.", examples=["block 12"])
    message: str


class VerificationOut(Schema):
    """How far a verification is, and what it found: nothing, where the trail is whole."""

    id: JobId
    status: JobStatus
    blocks: int = Field(description="Blocks that were recomputed and checked by their key.")
    entries: int = Field(description="Entries that were compared with what was sealed.")
    heads: int = Field(description="Heads of the chain, kept where nobody can change them, that it was compared with.")
    findings: int
    found: list[FindingOut] = Field(description="The first hundred; all of them are at the job of this id.")
    failure: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """Present a verification."""
        job = checked.job
        return cls(
            id=job.id,
            status=JobStatus(job.status),
            blocks=job.counts.get("blocks", 0),
            entries=job.counts.get("entries", 0),
            heads=job.counts.get("heads", 0),
            findings=job.counts.get("findings", 0),
            found=_found(checked.findings),
            failure=job.failure,
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


def _told(entry: AuditEntry) -> dict[str, Any]:
    named = {name: getattr(entry, name) for name in EntryOut.model_fields if name != "entity_id"}
    return {**named, "entity_id": _id_of(entry.entity, entry.entity_id)}


def _id_of(entity: str, entity_id: UUID) -> str:
    prefix = PREFIXES.get(entity)
    return str(entity_id) if prefix is None else ids.encode(prefix, entity_id)


def _proof(entry: AuditEntry, block: Block) -> ProofOut:
    position = block.entry_ids.index(entry.id)
    return ProofOut(
        block=block.number,
        position=position + 1,
        row_hash=block.sealed[position][1].hex(),
        path=[StepOut(side=side, hash=neighbour.hex()) for side, neighbour in chain.path(block.sealed, position)],
        root=block.header.root.hex(),
        block_hash=block.hash.hex(),
        sealed_at=block.header.sealed_at,
    )


def _found(findings: Sequence[JobFinding]) -> list[FindingOut]:
    return [FindingOut(code=one.code, subject=one.subject, message=one.message) for one in findings]
