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


class CredentialRotated(DomainEvent):
    """A token of the store was replaced by another, and ends soon."""

    type: ClassVar[str] = "credential.rotated"
    entity: ClassVar[str] = "credential"

    credential_id: CredentialId
    version: int
    replaced_by: CredentialId

    def subject(self) -> tuple[UUID, int]:
        """Return the credential that is replaced, and its version."""
        return self.credential_id, self.version

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(credential_id=_EXAMPLE, version=2, replaced_by=ids.decode("cred", "cred_01h455vb4pex5vsknk084sn03r"))


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


class PasswordResetAsked(DomainEvent):
    """Somebody asked for a new password for an address, which may or may not have an account.

    `fingerprint` is the address's blind index, under the platform's key. The event belongs to the platform, and to no
    store.
    """

    type: ClassVar[str] = "password_reset.asked"
    entity: ClassVar[str] = "password_reset"

    request_id: UUID
    fingerprint: str

    def subject(self) -> tuple[UUID, int]:
        """Return the request, at its first version."""
        return self.request_id, 1

    @classmethod
    def example(cls) -> Self:
        """Return the event that the documentation shows."""
        return cls(request_id=UUID("01890a5d-ac96-774b-bcce-b302099a8057"), fingerprint="5f" * 32)
