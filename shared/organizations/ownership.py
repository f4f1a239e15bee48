"""Giving the organization to somebody else.

At once, and not when the other side says yes: they said yes when they joined, an owner is bound to nothing by it, and
may give it back. GitHub's organizations, Stripe and Slack do the same. What ASVS asks for what can't be undone alone
(7.5.3) is that whoever gives proves that it is them: the route asks for a step-up.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core.errors import Conflict, Forbidden
from shared.core.permissions import SUPERUSER
from shared.core.principal import Principal
from shared.organizations import granting, invitations, members, standing
from shared.organizations.members import Colleague
from shared.organizations.models import Standing


class CannotOwn(Conflict):
    """This member can't become the owner: they are suspended, or it is whoever gives it."""

    code = "cannot_own"
    title = "Can't become the owner"


def transfer(session: Session, member_id: UUID, *, by: Principal) -> Colleague:
    """Make a member an owner, and the owner who does it an admin. Other owners stay what they are.

    Raises:
        Forbidden: only an owner can.
        NotFound: the organization has no such member.
        CannotOwn: the member is suspended, or the owner themselves.
    """
    granter = granting.enter(session, by, permission=SUPERUSER)
    if granter.member.role is not Standing.OWNER:
        raise Forbidden("Only an owner gives the organization to somebody else.")
    heir, giver = standing.find(session, member_id), granter.member
    if heir.id == giver.id or heir.suspended_at is not None:
        raise CannotOwn("Choose another member, who is not suspended.")
    before = standing.told(heir)
    standing.give_role(session, heir, Standing.OWNER, role_id=None, store_ids=None)
    standing.note(session, heir, "ownership.received", before=before)
    before = standing.told(giver)
    standing.give_role(session, giver, Standing.ADMIN, role_id=None, store_ids=None)
    standing.note(session, giver, "ownership.given", before=before)
    invitations.revoke_of(session, giver.user_id)
    session.flush()
    return members.get(session, member_id)
