"""The heads of the chains, in the vault: what a chain had come to on a day, so that its end can't be cut off unseen.

One object for each head that a chain had when its day came, named by its number; a chain that did not grow adds none.
"""

import io
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.audit import retention
from shared.audit.models import AuditBlock
from shared.audit.sealing_keys import SealingKeys
from shared.audit.vault import Vault
from shared.core import clock, tenancy

QUEUE = "audit-heads"

_TENANTS = text("select * from lookup.tenants_with_chains(:last, :most)")
_A_MONTH = timedelta(days=31)


class HeadDiffers(RuntimeError):
    """The vault holds another head of that number: the chain was rewritten since. A person has to look."""


@dataclass(frozen=True)
class Head:
    """The last block of a chain at some moment."""

    store_id: UUID
    number: int
    hash: bytes

    @property
    def key(self) -> str:
        """Where it lies in the vault."""
        return f"{folder(self.store_id)}{self.number:012}.json"


@dataclass(frozen=True)
class KeptHead:
    """A head as the vault has it; `head` is None where it is none of ours."""

    key: str
    head: Head | None


def folder(store_id: UUID) -> str:
    """Return what the keys of a tenant's heads begin with."""
    return f"heads/{store_id}/"


def present(session: Session) -> Head | None:
    """Return the head of the tenant's chain. One statement."""
    store_id = tenancy.require_store(session)
    last = select(AuditBlock.number, AuditBlock.hash).where(AuditBlock.store_id == store_id)
    row = session.execute(last.order_by(AuditBlock.number.desc()).limit(1)).first()
    return None if row is None else Head(store_id, row.number, bytes(row.hash))


def keep(head: Head, keys: SealingKeys, vault: Vault) -> bool:
    """Put a head into the vault; False: it is there already. Talks to the outside.

    Raises:
        HeadDiffers: another one of its number is there.
    """
    version, now = keys.current_version, clock.now()
    told = {
        "store_id": str(head.store_id),
        "number": head.number,
        "hash": head.hash.hex(),
        "at": now.isoformat(),
        "key_version": version,
    }
    whole = {**told, "mac": keys.mac(version, _message(told)).hex()}
    until = now + _A_MONTH * (retention.KEPT_MONTHS + 1)
    if vault.put_new(head.key, io.BytesIO(json.dumps(whole).encode()), until=until):
        return True
    if read(head.key, keys, vault).head != head:
        message = f"{head.key} holds another head: the chain was rewritten, or the vault."
        raise HeadDiffers(message)
    return False


def read(key: str, keys: SealingKeys, vault: Vault) -> KeptHead:
    """Read one head; what was not signed by our key, or lies in another's place, is none."""
    with vault.open(key) as file:
        content = file.read()
    try:
        told = json.loads(content)
        mac = bytes.fromhex(told.pop("mac"))
        head = Head(UUID(told["store_id"]), int(told["number"]), bytes.fromhex(told["hash"]))
        holds = head.key == key and keys.holds(int(told["key_version"]), _message(told), mac)
    except (ValueError, KeyError, TypeError, AttributeError):
        return KeptHead(key, None)
    return KeptHead(key, head if holds else None)


def tenants_with_chains(session: Session, *, last: UUID, most: int) -> list[UUID]:
    """Return up to `most` tenants that have a chain, whose ids follow `last`, in order. A look-up function."""
    return sorted(session.scalars(_TENANTS, {"last": last, "most": most}))


def _message(told: dict[str, Any]) -> bytes:
    return b"stormcom/audit-head/1\n" + json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
