"""Credentials of a store: made, shown once, listed without their secret, revoked at once."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, credentials, ids, outbox
from shared.core.errors import Forbidden, NotFound
from shared.core.principal import Principal
from shared.identity.events import CredentialCreated, CredentialRevoked
from shared.identity.models import Credential, CredentialKind


class Issued(NamedTuple):
    """A new credential and its text, which is shown this once."""

    credential: Credential
    text: str


def issue(  # noqa: PLR0913 -- each says something else about the credential
    session: Session,
    kind: CredentialKind,
    *,
    name: str,
    scopes: frozenset[str] = frozenset(),
    expires_at: datetime | None = None,
    granted_by: Principal | None = None,
) -> Issued:
    """Make a credential of the bound store. Publishable keys have no scopes: they allow what any shopper may do.

    `granted_by`: who asks; nobody grants a scope that they lack. The secret is not stored: of it only the SHA-256.

    Raises:
        Forbidden: `granted_by` lacks one of the scopes.
    """
    lacking = [] if granted_by is None else sorted(scope for scope in scopes if not granted_by.may(scope))
    if lacking:
        detail = f"You cannot grant what you lack: {', '.join(lacking)}."
        raise Forbidden(detail)
    text = credentials.generate(kind.value)
    credential = Credential(
        id=ids.new_id(),
        kind=kind,
        name=name,
        digest=credentials.digest(text),
        publishable_key=text if kind is CredentialKind.PUBLISHABLE else None,
        last_four=text[-4:],
        scopes=sorted(scopes),
        version=1,
        created_at=clock.now(),
        expires_at=expires_at,
    )
    session.add(credential)
    audit.record(
        session,
        action="credential.created",
        entity="credential",
        entity_id=credential.id,
        after={"kind": kind.name.lower(), "name": name, "scopes": credential.scopes, "last_four": credential.last_four},
        severity="critical" if scopes else "notice",
    )
    outbox.record(session, CredentialCreated(credential_id=credential.id, kind=kind.name.lower()))
    return Issued(credential, text)


def list_credentials(session: Session) -> list[Credential]:
    """Return the store's credentials, the newest first, revoked ones too. A handful a store."""
    return list(session.scalars(select(Credential).order_by(Credential.id.desc()).limit(200)))


def revoke(session: Session, credential_id: UUID) -> Credential:
    """Revoke a credential, from the next request on. Revoking it again changes nothing.

    Raises:
        NotFound: the store has no such credential.
    """
    now = clock.now()
    revoked = session.scalars(
        update(Credential)
        .where(Credential.id == credential_id, Credential.revoked_at.is_(None))
        .values(revoked_at=now, version=Credential.version + 1)
        .returning(Credential),
    ).one_or_none()
    if revoked is None:
        return _get(session, credential_id)
    audit.record(
        session,
        action="credential.revoked",
        entity="credential",
        entity_id=credential_id,
        before={"revoked_at": None},
        after={"revoked_at": now.isoformat()},
        severity="critical",
    )
    outbox.record(session, CredentialRevoked(credential_id=credential_id, version=revoked.version))
    return revoked


def _get(session: Session, credential_id: UUID) -> Credential:
    credential = session.scalars(select(Credential).where(Credential.id == credential_id)).one_or_none()
    if credential is None:
        detail = "This store has no such credential."
        raise NotFound(detail)
    return credential
