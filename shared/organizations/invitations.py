"""Invitations: somebody is asked to join, by a letter to an address that only its reader can answer.

Open for seven days, until it is accepted or taken back; one that is open an address. Sent again, it has a new secret,
and the letter before leads nowhere. Those of a member who is removed, suspended or given another role end with it, so
that nobody leaves a door open behind them.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core import audit, clock, credentials, emails, encryption, ids, outbox, tenancy, throttling
from shared.core.errors import Conflict, NotFound
from shared.core.idempotency import PLATFORM_STORE
from shared.core.keysets import Operator
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.principal import Principal
from shared.identity import people, profiles
from shared.messaging import outgoing
from shared.messaging.models import ChannelKind
from shared.organizations import granting, wording
from shared.organizations.events import InvitationRevoked, InvitationSent
from shared.organizations.models import Invitation, Member, Standing
from shared.organizations.schemas import Invite
from shared.stores import organizations

LASTS = timedelta(days=7)
MOST_A_DAY = 50  # letters of an organization: strangers get them, and it is our name that they come under

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")

INVITATIONS = Listing(
    Invitation,
    filters={
        "role": Filter(Invitation.role, accepts=Standing),
        "expires_at": Filter(Invitation.expires_at, _MOMENT),
        "accepted_at": Filter(Invitation.accepted_at, ("null", *_MOMENT)),
        "revoked_at": Filter(Invitation.revoked_at, ("null", *_MOMENT)),
    },
    sorts={"created_at": (Invitation.id,)},
    default_sort="-created_at",
)


class AlreadyInvited(Conflict):
    """This address has an invitation that is open: send it again, or take it back first."""

    code = "already_invited"
    title = "Already invited"


class AlreadyMember(Conflict):
    """Whoever has this address is a member already."""

    code = "already_member"
    title = "Already a member"


class HasMembers(Conflict):
    """Somebody works for this organization already."""

    code = "has_members"
    title = "Has members"


class InvitationClosed(Conflict):
    """This invitation was accepted or taken back."""

    code = "invitation_closed"
    title = "Invitation closed"


def list_invitations(session: Session, query: ListQuery) -> tuple[list[Invitation], PageInfo, int | None]:
    """Return one page of the invitations, the newest first; those that are over as well."""
    return INVITATIONS.run(session, query, select(Invitation))


def invite(session: Session, wanted: Invite, *, by: Principal) -> Invitation:
    """Ask somebody to join, by a letter.

    Raises:
        BeyondYourOwn: they would be able to do what whoever asks them is not.
        ValidationFailed: there is no such role or store.
        AlreadyInvited: they were asked already.
        AlreadyMember: they have joined already.
        TooManyRequests: the organization sent fifty letters within a day.
    """
    take_a_letter(tenancy.require_store(session))
    granter = granting.enter(session, by)
    store_ids = sorted(wanted.store_ids) if wanted.store_ids is not None and wanted.role is not Standing.OWNER else None
    granter.require_role(wanted.role, wanted.role_id)
    granter.require_stores(store_ids)
    token = credentials.generate(credentials.INVITATION)
    invitation = _invitation(
        granter.member.organization_id, wanted.email, token, wanted.role, invited_by=granter.member.user_id
    )
    invitation.role_id, invitation.store_ids = wanted.role_id, store_ids
    _require_uninvited(session, invitation.email_index)
    _require_stranger(session, wanted.email)
    session.add(invitation)
    session.flush()
    _send(session, invitation, token, inviter=granter.member)
    _note(session, "invitation.sent", invitation, after=_told(invitation))
    return invitation


def invite_owner(session: Session, email: str, *, by: Principal | None) -> tuple[Invitation, str]:
    """Invite the first owner of an organization that nobody works for, and return the invitation with its secret.

    For operators, who open organizations by themselves: they hand the secret over; no letter is sent. Again, it
    replaces the one before. Leaves the session bound to the organization, to which it has to be bound already.

    Raises:
        NotFound: there is no such organization.
        HasMembers: somebody works for it, and invites others themselves.
    """
    organization = organizations.hold(session)
    if session.scalar(select(Member.id).limit(1)) is not None:
        raise HasMembers("Somebody works for this organization, and invites others themselves.")
    for before in session.scalars(
        select(Invitation).where(Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    ):
        _revoke(session, before)
    session.flush()
    token = credentials.generate(credentials.INVITATION)
    invitation = _invitation(
        organization.id, email, token, Standing.OWNER, invited_by=UUID(by.id) if by else PLATFORM_STORE
    )
    session.add(invitation)
    session.flush()
    _note(session, "invitation.sent", invitation, after=_told(invitation))
    return invitation, token


def resend(session: Session, invitation_id: UUID, *, by: Principal) -> Invitation:
    """Send the letter again, with a new secret and seven new days; the secret before is worth nothing any more.

    Raises:
        NotFound: there is no such invitation.
        InvitationClosed: it was accepted or taken back.
        BeyondYourOwn: they would be able to do what whoever sends it is not.
        TooManyRequests: the organization sent fifty letters within a day.
    """
    take_a_letter(tenancy.require_store(session))
    granter = granting.enter(session, by)
    invitation = _open(session, granter, invitation_id)
    token, before = credentials.generate(credentials.INVITATION), _told(invitation)
    invitation.digest, invitation.invited_by = credentials.digest(token), granter.member.user_id
    invitation.expires_at = clock.now() + LASTS
    _touch(invitation)
    session.flush()
    _send(session, invitation, token, inviter=granter.member)
    _note(session, "invitation.sent", invitation, before=before, after=_told(invitation))
    return invitation


def revoke(session: Session, invitation_id: UUID, *, by: Principal) -> Invitation:
    """Take an invitation back before anybody accepts it.

    Raises:
        NotFound: there is no such invitation.
        InvitationClosed: it was accepted, or taken back before.
        BeyondYourOwn: it invites to what whoever takes it back may not do.
    """
    invitation = _open(session, granting.enter(session, by), invitation_id)
    _revoke(session, invitation)
    session.flush()
    return invitation


def revoke_of(session: Session, user_id: UUID) -> None:
    """Take back what a person has invited to and nobody has accepted yet."""
    open_ones = select(Invitation).where(
        Invitation.invited_by == user_id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    )
    for invitation in session.scalars(open_ones):
        _revoke(session, invitation)


def take_a_letter(organization_id: UUID) -> None:
    """Count a letter of the organization.

    Raises:
        TooManyRequests: it sent fifty within a day.
    """
    throttling.take(organization_id, "invitations", str(organization_id), most=MOST_A_DAY, within=timedelta(days=1))


def _invitation(organization_id: UUID, email: str, token: str, role: Standing, *, invited_by: UUID) -> Invitation:
    now = clock.now()
    return Invitation(
        id=ids.new_id(),
        email=email,
        email_index=encryption.blind_index(organization_id, "invitations.email", emails.for_lookup(email)),
        digest=credentials.digest(token),
        role=role,
        invited_by=invited_by,
        version=1,
        created_at=now,
        updated_at=now,
        expires_at=now + LASTS,
    )


def _open(session: Session, granter: granting.Granter, invitation_id: UUID) -> Invitation:
    """Return an invitation that is neither accepted nor revoked; over may it be."""
    invitation = session.scalars(
        select(Invitation).where(Invitation.id == invitation_id), execution_options={"populate_existing": True}
    ).one_or_none()
    if invitation is None:
        raise NotFound("This organization has no such invitation.")
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise InvitationClosed("This invitation was accepted or taken back.")
    granter.require_role(invitation.role, invitation.role_id)
    granter.require_stores(invitation.store_ids)
    return invitation


def _require_uninvited(session: Session, index: bytes) -> None:
    """Refuse an address with an invitation that is open. One that is over makes room."""
    before = session.scalars(
        select(Invitation).where(
            Invitation.email_index == index, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
        )
    ).one_or_none()
    if before is None:
        return
    if before.expires_at > clock.now():
        raise AlreadyInvited("This address was invited already: send that invitation again, or take it back first.")
    _revoke(session, before)
    session.flush()


def _require_stranger(session: Session, email: str) -> None:
    user_id = people.find(session, people.index_of(email))
    if user_id is not None and session.scalar(select(Member.id).where(Member.user_id == user_id)) is not None:
        raise AlreadyMember("Whoever has this address is a member already.")


def _revoke(session: Session, invitation: Invitation) -> None:
    invitation.revoked_at = clock.now()
    _touch(invitation)
    audit.record(
        session,
        action="invitation.revoked",
        entity="invitation",
        entity_id=invitation.id,
        before={"revoked_at": None},
        after={"revoked_at": invitation.revoked_at.isoformat()},
        severity="notice",
    )
    outbox.record(session, InvitationRevoked(invitation_id=invitation.id, version=invitation.version))


def _touch(invitation: Invitation) -> None:
    invitation.version += 1
    invitation.updated_at = clock.now()


def _send(session: Session, invitation: Invitation, token: str, *, inviter: Member) -> None:
    profile = profiles.read(session, inviter.user_id)
    subject, body = wording.letter(
        wording.in_language_of(profile.locale),
        organization=organizations.get(session).name,
        inviter=profile.name,
        token=token,
    )
    outgoing.enqueue(
        session,
        ChannelKind.EMAIL,
        to=invitation.email,
        subject=subject,
        text=body,
        purpose="invitation",
        dedupe_key=f"invitation:{invitation.id}:{invitation.version}",
    )


def _told(invitation: Invitation) -> dict[str, object]:
    return {
        "email": audit.masked(invitation.email),
        "role": invitation.role.value,
        "role_id": ids.encode("role", invitation.role_id) if invitation.role_id else None,
        "store_ids": [ids.encode("store", one) for one in invitation.store_ids] if invitation.store_ids else None,
        "expires_at": invitation.expires_at.isoformat(),
    }


def _note(
    session: Session,
    action: str,
    invitation: Invitation,
    *,
    after: dict[str, object],
    before: dict[str, object] | None = None,
) -> None:
    audit.record(
        session,
        action=action,
        entity="invitation",
        entity_id=invitation.id,
        before=before,
        after=after,
        severity="critical",
    )
    outbox.record(session, InvitationSent(invitation_id=invitation.id, version=invitation.version))
