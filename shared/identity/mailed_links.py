"""Links by which a person proves that they read what comes to their address: for one use, within their time.

The link's token has 178 random bits, so what is kept of it is its SHA-256. It stands behind the address's `#`, which
browsers send to nobody: neither a log nor a referrer holds it.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from shared.core import clock, credentials, ids, tenancy
from shared.core.errors import Problem
from shared.identity.models.people import LinkPurpose, MailedLink

LASTS = {
    LinkPurpose.VERIFY_EMAIL: timedelta(hours=24),
    LinkPurpose.RESET_PASSWORD: timedelta(hours=1),
}
_PREFIXES = {LinkPurpose.VERIFY_EMAIL: "ve", LinkPurpose.RESET_PASSWORD: "rp"}

_FIND = text("select user_id, id from lookup.mailed_link(:purpose, :digest, :now)")


class LinkRefused(Problem):
    """The link was used, its time is over, or it is none of ours."""

    status = 410
    code = "link_refused"
    title = "This link is over"
    is_noted = True


class Issued(NamedTuple):
    """A new link of the bound person; `token` goes into the mail and nowhere else."""

    id: UUID
    token: str


def issue(session: Session, purpose: LinkPurpose) -> Issued:
    """Make a link for the bound person. Earlier ones stay good: mails overtake each other. Two statements."""
    now = clock.now()
    session.execute(delete(MailedLink).where(MailedLink.expires_at < now))
    link = Issued(ids.new_id(), credentials.generate(_PREFIXES[purpose]))
    session.add(
        MailedLink(
            id=link.id,
            user_id=tenancy.require_store(session),
            purpose=purpose,
            digest=credentials.digest(link.token),
            created_at=now,
            expires_at=now + LASTS[purpose],
        )
    )
    session.flush()
    return link


def find(session: Session, purpose: LinkPurpose, token: str) -> tuple[UUID, UUID]:
    """Return whose link it is, and its id: by a look-up, from an unbound session.

    Raises:
        LinkRefused: it is no link that could be used now.
    """
    if not credentials.is_well_formed(_PREFIXES[purpose], token):
        raise _over()
    values = {"purpose": purpose.value, "digest": credentials.digest(token), "now": clock.now()}
    found = session.execute(_FIND, values).one_or_none()
    if found is None:
        raise _over()
    return found.user_id, found.id


def use(session: Session, link_id: UUID) -> None:
    """Use a link of the bound person up, with all others of its purpose. Of two who do so at once, one can.

    Raises:
        LinkRefused: somebody else has just used it.
    """
    now = clock.now()
    purpose = session.scalar(
        update(MailedLink)
        .where(MailedLink.id == link_id, MailedLink.used_at.is_(None), MailedLink.expires_at > now)
        .values(used_at=now)
        .returning(MailedLink.purpose)
    )
    if purpose is None:
        raise _over()
    void(session, purpose)


def void(session: Session, purpose: LinkPurpose) -> None:
    """Make the bound person's open links of a purpose useless."""
    session.execute(
        update(MailedLink)
        .where(MailedLink.purpose == purpose, MailedLink.used_at.is_(None))
        .values(used_at=clock.now())
    )


def _over() -> LinkRefused:
    return LinkRefused("This link was used, or its time is over. Ask for a new one.")
