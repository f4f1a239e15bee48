"""Setting a new password: by the present one, or by a mailed link of who has forgotten it.

Either way every other session ends, in the transaction of the change: a sign-in with the old password comes before it,
and its session ends, or after it, and is refused.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, outbox, passwords, tenancy
from shared.core.principal import Session as SignedInSession
from shared.identity import letters, limits, mailed_links, password_choice, people, sessions, signing_up
from shared.identity.events import PasswordResetAsked
from shared.identity.mailed_links import LinkRefused
from shared.identity.models.people import LinkPurpose, User
from shared.identity.proving import WrongPassword
from shared.identity.sessions import Opened


class Reset(NamedTuple):
    """Whose password was set, and how many sessions of theirs ended."""

    user_id: UUID
    ended: int


def change(session: Session, signed_in: SignedInSession, *, current: str, new: str) -> Opened:
    """Replace the bound person's password; their other sessions end, and this one gets another token.

    Raises:
        WrongPassword: `current` is not their password.
        PasswordRefused: `new` could be guessed, or is one of the last five.
        TooManyRequests: it was tried too often.
        Unauthenticated: the session has ended in the meantime.
    """
    limits.before_proving(signed_in.user_id)
    user = people.get(session)
    if not passwords.matches(user.password_hash, current):
        raise WrongPassword.of(session, user.id, doing="change_password")
    former = user.password_changed_at
    if not password_choice.choose(session, user, new, field="new_password"):
        raise WrongPassword.of(session, user.id, doing="change_password")  # it was changed while we checked
    sessions.end_all(session, because="password_changed", but=signed_in.id)
    mailed_links.void(session, LinkPurpose.RESET_PASSWORD)
    session.refresh(user)
    _tell(session, user, former=former, by="current_password")
    # Whoever has a second factor has proven only the first.
    proof = {} if user.second_factor_since is not None else {"proven_at": clock.now()}
    return sessions.rotate(session, signed_in, **proof)


def ask_for_link(session: Session, *, email: str) -> None:
    """Have a link mailed to whoever has the address.

    Nothing is looked up here: the wish is written down as an event, by the address's fingerprint, and carried out
    afterwards. So what is done, and how long it takes, is the same for an address that nobody has. Comes from an
    unbound session and leaves it bound to the platform.

    Raises:
        TooManyRequests: this address had its mails, or too many were asked for from where this came.
    """
    index = people.index_of(email)
    limits.before_mailing(index)
    tenancy.bind(session, people.NOBODY)
    outbox.record(session, PasswordResetAsked(request_id=ids.new_id(), fingerprint=index.hex()))


def mail_link(session: Session, email_index: bytes) -> None:
    """Mail a link to whoever has the address; to nobody where nobody has, or where they were disabled."""
    user_id = people.find(session, email_index)
    if user_id is None:
        return
    with tenancy.within(session, user_id):
        user = people.get(session)
        if user.disabled_at is not None:
            return
        letters.send_reset_link(session, to=user.email, locale=user.locale)
        audit.record(
            session,
            action="password.link_mailed",
            entity="user",
            entity_id=user_id,
            after={"email": audit.masked(user.email)},
            severity="notice",
        )


def reset(session: Session, *, token: str, password: str) -> Reset:
    """Set a new password by a mailed link, which proves the address as well; every session of the person ends.

    Signs nobody in: who has a second factor still needs it. Of two who use one link at once, one can. Comes from an
    unbound session and leaves it bound to the person.

    Raises:
        LinkRefused: the link was used, or its time is over.
        PasswordRefused: the password could be guessed, or is one of the last five.
        TooManyRequests: it was tried too often.
    """
    user_id, link_id = mailed_links.find(session, LinkPurpose.RESET_PASSWORD, token)
    limits.before_proving(user_id)
    with tenancy.within(session, user_id):
        mailed_links.use(session, link_id)
        user = people.get(session)
        former = user.password_changed_at
        if not password_choice.choose(session, user, password):
            raise LinkRefused("The password was changed just now. Sign in with it, or ask for a new link.")
        mailed_links.void(session, LinkPurpose.VERIFY_EMAIL)
        ended = sessions.end_all(session, because="password_reset")
        session.refresh(user)
        signing_up.confirm(session, user_id)
        _tell(session, user, former=former, by="mailed_link")
    return Reset(user_id, ended)


def _tell(session: Session, user: User, *, former: datetime | None, by: str) -> None:
    """Say when the password was changed, and when it had been; what it is and was is nobody's to know."""
    changed = user.password_changed_at
    audit.record(
        session,
        action="password.changed",
        entity="user",
        entity_id=user.id,
        before={"password_changed_at": None if former is None else former.isoformat()},
        after={"password_changed_at": None if changed is None else changed.isoformat(), "by": by},
        severity="critical",
    )
    letters.say_the_password_changed(session, ids.new_id(), to=user.email, locale=user.locale)
