"""Credentials of a store: made, shown once, listed without their secret, rotated, revoked at once.

A token does what it was made for, and never more than its maker may do at the moment: the look-up that lets it in cuts
its scopes, so a maker who is demoted, suspended or removed takes their tokens' powers with them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, credentials, ids, outbox
from shared.core.errors import Conflict, Forbidden, NotFound
from shared.core.principal import Principal
from shared.identity.events import CredentialCreated, CredentialRevoked, CredentialRotated
from shared.identity.models import Credential, CredentialKind, TokenUse

CATALOG_READING = frozenset({"product.read"})  # what the token of one click may do

_DAYS_SHOWN = 90


class NotRotatable(Conflict):
    """Only a secret token that is alive, and was not rotated before, can be rotated."""

    code = "not_rotatable"
    title = "Can't be rotated"


class Issued(NamedTuple):
    """A new credential and its text, which is shown this once."""

    credential: Credential
    text: str


class _Maker(NamedTuple):
    """By whom a credential is made, and what it may not outlive or outgrow."""

    user_id: UUID | None = None
    ends_at: datetime | None = None
    allowed_addresses: list[str] | None = None


def issue(  # noqa: PLR0913 -- each says something else about the credential
    session: Session,
    kind: CredentialKind,
    *,
    name: str,
    scopes: frozenset[str] = frozenset(),
    expires_at: datetime | None = None,
    allowed_addresses: list[str] | None = None,
    granted_by: Principal | None = None,
) -> Issued:
    """Make a credential of the bound store. Publishable keys have no scopes: they allow what any shopper may do.

    `granted_by`: who asks; nobody grants a scope that they lack. A token that is made by a token has the same person
    behind it, ends no later, and is used from nowhere else. The secret is not stored: of it only the SHA-256.

    Raises:
        Forbidden: `granted_by` lacks one of the scopes, or may not be used from one of the addresses.
    """
    lacking = [] if granted_by is None else sorted(scope for scope in scopes if not granted_by.may(scope))
    if lacking:
        detail = f"You cannot grant what you lack: {', '.join(lacking)}."
        raise Forbidden(detail)
    maker = _maker(session, granted_by)
    text = credentials.generate(kind.value)
    credential = Credential(
        id=ids.new_id(),
        kind=kind,
        name=name,
        digest=credentials.digest(text),
        publishable_key=text if kind is CredentialKind.PUBLISHABLE else None,
        last_four=text[-4:],
        scopes=sorted(scopes),
        created_by=maker.user_id,
        allowed_addresses=None if kind is CredentialKind.PUBLISHABLE else _narrowest(maker, allowed_addresses),
        version=1,
        created_at=clock.now(),
        expires_at=None if kind is CredentialKind.PUBLISHABLE else _earliest(maker.ends_at, expires_at),
    )
    session.add(credential)
    audit.record(
        session,
        action="credential.created",
        entity="credential",
        entity_id=credential.id,
        after={
            "kind": kind.name.lower(),
            "name": name,
            "scopes": credential.scopes,
            "allowed_addresses": credential.allowed_addresses,
            "expires_at": credential.expires_at.isoformat() if credential.expires_at else None,
            "last_four": credential.last_four,
        },
        severity="critical" if scopes else "notice",
    )
    outbox.record(session, CredentialCreated(credential_id=credential.id, kind=kind.name.lower()))
    return Issued(credential, text)


def issue_for_catalog(session: Session, *, granted_by: Principal | None) -> Issued:
    """Make a token that reads the catalog and nothing else, for a feed or a search engine.

    Raises:
        Forbidden: `granted_by` may not read it either.
    """
    return issue(session, CredentialKind.SECRET, name="Catalog", scopes=CATALOG_READING, granted_by=granted_by)


def rotate(session: Session, credential_id: UUID, *, overlap: timedelta, granted_by: Principal | None) -> Issued:
    """Replace a token's secret without a pause: the new one works at once, the old one for `overlap` more.

    The new one has the same name, scopes, addresses and lifetime, and whoever rotates it behind it. Of two who rotate
    one token at once, one does.

    Raises:
        NotFound: the store has no such credential.
        NotRotatable: it is no secret token, is over, or was rotated before.
        Forbidden: `granted_by` lacks one of its scopes.
    """
    now = clock.now()
    old = session.scalars(
        select(Credential).where(Credential.id == credential_id).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if old is None:
        raise _not_found()
    is_over = old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now)
    if old.kind is not CredentialKind.SECRET or old.replaced_by is not None or is_over:
        raise NotRotatable("Only a secret token that is alive can be rotated, and once: make a new one.")
    issued = issue(
        session,
        CredentialKind.SECRET,
        name=old.name,
        scopes=frozenset(old.scopes),
        expires_at=None if old.expires_at is None else now + (old.expires_at - old.created_at),
        allowed_addresses=old.allowed_addresses,
        granted_by=granted_by,
    )
    before = {"expires_at": old.expires_at.isoformat() if old.expires_at else None, "replaced_by": None}
    ends_at = now + overlap
    old.expires_at = ends_at if old.expires_at is None else min(old.expires_at, ends_at)
    old.replaced_by = issued.credential.id
    old.version += 1
    audit.record(
        session,
        action="credential.rotated",
        entity="credential",
        entity_id=old.id,
        before=before,
        after={"expires_at": old.expires_at.isoformat(), "replaced_by": ids.encode("cred", old.replaced_by)},
        severity="critical",
    )
    outbox.record(
        session, CredentialRotated(credential_id=old.id, version=old.version, replaced_by=issued.credential.id)
    )
    return issued


def list_uses(session: Session, credential_id: UUID) -> list[TokenUse]:
    """Return what a token was used for in the last ninety days, the newest day first; see `core.token_uses`.

    Raises:
        NotFound: the store has no such credential.
    """
    credential = _get(session, credential_id)
    chosen = select(TokenUse).where(TokenUse.store_id == credential.store_id, TokenUse.credential_id == credential_id)
    return list(session.scalars(chosen.order_by(TokenUse.day.desc()).limit(_DAYS_SHOWN)))


def list_alive(session: Session, *, now: datetime) -> list[Credential]:
    """Return the bound store's secret tokens that open something at present, the oldest first. One statement."""
    alive = select(Credential).where(
        Credential.kind == CredentialKind.SECRET,
        Credential.revoked_at.is_(None),
        or_(Credential.expires_at.is_(None), Credential.expires_at > now),
    )
    return list(session.scalars(alive.order_by(Credential.id)))


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
        raise _not_found()
    return credential


def _maker(session: Session, granted_by: Principal | None) -> _Maker:
    if granted_by is None or granted_by.kind not in ("staff", "api_token"):
        return _Maker()
    if granted_by.session is not None:
        return _Maker(granted_by.session.user_id)
    parent = _get(session, UUID(granted_by.id))
    return _Maker(parent.created_by, parent.expires_at, parent.allowed_addresses)


def _earliest(*ends: datetime | None) -> datetime | None:
    return min((end for end in ends if end is not None), default=None)


def _narrowest(maker: _Maker, wanted: list[str] | None) -> list[str] | None:
    """Return from where a new token may be used: from nowhere that its maker's token may not.

    Raises:
        Forbidden: the maker's token may not be used from one of them.
    """
    if wanted is None or maker.allowed_addresses is None:
        return wanted or maker.allowed_addresses
    own = [ip_network(one) for one in maker.allowed_addresses]
    beyond = [one for one in wanted if not _lies_in(ip_network(one), own)]
    if beyond:
        raise Forbidden(f"Your own token may not be used from {', '.join(beyond)}.")
    return wanted


def _lies_in(network: IPv4Network | IPv6Network, others: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(network.version == other.version and network.subnet_of(other) for other in others)  # type: ignore[arg-type]  # one version


def _not_found() -> NotFound:
    return NotFound("This store has no such credential.")
