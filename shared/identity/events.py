"""What identity tells the world."""

from typing import ClassVar, Self
from uuid import UUID

from shared.core import ids
from shared.core.outbox import DomainEvent
from shared.core.typeids import CredentialId

_EXAMPLE = ids.decode("cred", "cred_01h455vb4pex5vsknk084sn02q")


class CredentialCreated(DomainEvent):
    """A key or token of the store was made."""

    type: ClassVar[str] = "credential.created"
    entity: ClassVar[str] = "credential"

    credential_id: CredentialId
    kind: str

    def subject(self) -> tuple[UUID, int]:
        """Return the credential, at its first version."""
        return self.credential_id, 1

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(credential_id=_EXAMPLE, kind="secret")


class CredentialRevoked(DomainEvent):
    """A key or token of the store was revoked."""

    type: ClassVar[str] = "credential.revoked"
    entity: ClassVar[str] = "credential"

    credential_id: CredentialId
    version: int

    def subject(self) -> tuple[UUID, int]:
        """Return the credential and its version."""
        return self.credential_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(credential_id=_EXAMPLE, version=2)
