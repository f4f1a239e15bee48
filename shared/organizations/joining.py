"""Accepting an invitation: by the person to whose address it was sent, and once."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import audit, clock, context, credentials, emails, ids, outbox, passwords, records, tenancy
from shared.core.errors import Conflict, Forbidden, NotFound
from shared.core.principal import Principal
from shared.identity import profiles, signing_up
from shared.identity.profiles import Profile
from shared.organizations import standing
from shared.organizations.events import MemberJoined
from shared.organizations.invitations import AlreadyMember
from shared.organizations.models import Invitation, Member, Role, Standing
from shared.organizations.schemas import SignUpByInvitation
from shared.stores import organizations

_FIND = text("select organization_id, id from lookup.invitation(:wanted_digest, :now)")
_STORES = text("select lookup.stores_of_organization(:organization_id)")


class InvitationNotFound(NotFound):
    """There is no such invitation, or it was accepted, taken back, sent again or is over. Ask for another one."""

    code = "invitation_not_found"
    title = "No such invitation"
    is_noted = True


class InvitationForAnother(Forbidden):
    """The invitation was sent to another address than the one that this account has."""

    code = "invitation_for_another"
    title = "For another address"


class AddressNotVerified(Forbidden):
    """Show first that the account's address is yours: by the letter that came when you signed up."""

    code = "address_not_verified"
    title = "Address not verified"


class AccountExists(Conflict):
    """The invitation's address has an account already: sign in with it, and accept."""

    code = "account_exists"
    title = "There is an account"


class InvitationOutdated(Conflict):
    """What somebody was invited to is not there any more: the role, or every one of the stores."""

    code = "invitation_outdated"
    title = "Invitation outdated"


def accept(session: Session, token: str, *, user_id: UUID) -> Member:
    """Make a person a member, as their invitation says. Leaves the session bound to the organization.

    Of two who send the same secret at once, one joins.

    Raises:
        InvitationNotFound: the secret opens nothing at present.
        AddressNotVerified: nobody has shown that the account's address is theirs.
        InvitationForAnother: the account has another address.
        AlreadyMember: they have joined already.
        InvitationOutdated: the role or the stores are gone.
    """
    organization_id, invitation_id = _find(session, token)
    person = profiles.read(session, user_id)
    with tenancy.within(session, organization_id):
        organizations.hold(session)
        invitation = _held(session, invitation_id)
        require_addressee(person, invitation.email)
        if session.scalar(select(Member.id).where(Member.user_id == user_id)) is not None:
            raise AlreadyMember("You are a member of this organization already.")
        store_ids = _what_is_left(session, invitation)
        now = clock.now()
        invitation.accepted_at, invitation.accepted_by, invitation.updated_at = now, user_id, now
        invitation.version += 1
        member = Member(
            id=ids.new_id(),
            user_id=user_id,
            role=invitation.role,
            role_id=invitation.role_id,
            store_ids=store_ids,
            version=1,
            joined_at=now,
            updated_at=now,
        )
        session.add(member)
    note(session, member)
    return member


def sign_up(session: Session, request: SignUpByInvitation) -> Member:
    """Make an account for whom an invitation was sent to, and let them join: its secret proves the address.

    Leaves the session bound to the organization. Signs nobody in: they do so with the password that they chose.

    Raises:
        InvitationNotFound: the secret opens nothing at present.
        PasswordRefused: the password could be guessed.
        AccountExists: the address has an account, which accepts the invitation instead.
        InvitationOutdated: the role or the stores are gone.
    """
    organization_id, invitation_id = _find(session, request.token)
    with tenancy.within(session, organization_id):
        email = _held(session, invitation_id).email
    passwords.require_good(request.password, about=(email, request.name))
    user_id = signing_up.register_verified(
        session, email=email, name=request.name, password=request.password, locale=request.locale
    )
    if user_id is None:
        raise AccountExists("This address has an account: sign in with it, and accept the invitation.")
    themselves = Principal(kind="staff", id=str(user_id))
    with context.entered(replace(context.current(), principal=themselves)):
        records.write(session)  # what is recorded of the person is theirs, and the rest the organization's
    return accept(session, request.token, user_id=user_id)


def require_addressee(person: Profile, email: str) -> None:
    """Refuse a person whose address is another, or who has not shown that it is theirs.

    Raises:
        AddressNotVerified: the second.
        InvitationForAnother: the first.
    """
    if not person.is_verified:
        raise AddressNotVerified("Show first that your address is yours, by the letter that came when you signed up.")
    if emails.for_lookup(person.email) != emails.for_lookup(email):
        raise InvitationForAnother("This invitation was sent to another address: sign in with the account that has it.")


def note(session: Session, member: Member) -> None:
    """Record that somebody joined."""
    audit.record(
        session,
        action="member.joined",
        entity="member",
        entity_id=member.id,
        after={"user_id": ids.encode("user", member.user_id), **standing.told(member)},
        severity="critical",
    )
    outbox.record(session, MemberJoined(member_id=member.id, version=1))


def _find(session: Session, token: str) -> tuple[UUID, UUID]:
    found = None
    if credentials.is_well_formed(credentials.INVITATION, token):
        asked = {"wanted_digest": credentials.digest(token), "now": clock.now()}
        found = session.execute(_FIND, asked).one_or_none()
    if found is None:
        raise _not_found()
    return found.organization_id, found.id


def _held(session: Session, invitation_id: UUID) -> Invitation:
    """Return the invitation, if it still is open: whoever held the organization before may have closed it."""
    chosen = select(Invitation).where(
        Invitation.id == invitation_id, Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None)
    )
    invitation = session.scalars(chosen, execution_options={"populate_existing": True}).one_or_none()
    if invitation is None:
        raise _not_found()
    return invitation


def _what_is_left(session: Session, invitation: Invitation) -> list[UUID] | None:
    """Return the stores that are still there of those that the invitation names."""
    gone = InvitationOutdated("What you were invited to is not there any more: ask for another invitation.")
    role = select(Role.id).where(Role.id == invitation.role_id)
    if invitation.role is Standing.CUSTOM and session.scalar(role) is None:
        raise gone
    if invitation.store_ids is None:
        return None
    known = set(session.scalars(_STORES, {"organization_id": invitation.organization_id}))
    left = [store_id for store_id in invitation.store_ids if store_id in known]
    if not left:
        raise gone
    return left


def _not_found() -> InvitationNotFound:
    return InvitationNotFound("There is no such invitation, or it was used, taken back or is over: ask for another.")
