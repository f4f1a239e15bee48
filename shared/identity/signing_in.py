"""Signing in: by address and password, and the one door through which every other way of it comes, too.

Whether an address has an account, nobody learns from it: an unknown address and a wrong password get the same answer,
by the same statements and the same argon2, and count alike towards the same limits.
"""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from shared.core import audit, clock, passwords, tenancy
from shared.core.errors import Forbidden, TooManyRequests, Unauthenticated
from shared.identity import challenges, letters, limits, people, places, sessions
from shared.identity.challenges import Challenge
from shared.identity.models.people import User
from shared.identity.sessions import Opened

type Entry = Opened | Challenge
"""A session; or, for who has a second factor, what is to be answered with it."""


class SignInRefused(Unauthenticated):
    """Address and password do not belong together."""

    code = "wrong_email_or_password"
    title = "Not signed in"
    is_recorded = True


class EmailUnverified(Forbidden):
    """The address has not been confirmed yet; a mail with a new link is on its way."""

    code = "email_unverified"
    title = "Confirm your address"
    is_recorded = True


def sign_in(session: Session, *, email: str, password: str, replaced: str | None = None) -> Entry:
    """Let somebody in by their address and password. Comes from an unbound session and leaves it bound.

    `replaced`: the token of the session that this browser had; it ends. A refusal is written down in the name of whom
    it concerns. Costs one argon2, and two where the hash is of weaker parameters than today's.

    Raises:
        SignInRefused: they do not belong together, or the person was disabled.
        EmailUnverified: they do, and the address was never confirmed.
        TooManyRequests: it was tried too often: by this address, with this account, or both.
    """
    index = people.index_of(email)
    limits.before_signing_in(index)
    user_id = people.find(session, index)
    with tenancy.within(session, user_id or people.NOBODY):
        known = people.known(session)
        kept = known.password_hash if known else None
        is_right = passwords.matches(kept, password)
        if known is None or kept is None or not is_right or known.disabled_at is not None:
            raise _refused(session, user_id)
        if not people.hold(session, kept):
            raise _refused(session, user_id)  # changed or disabled while we checked
        if passwords.needs_rehash(kept):
            _strengthen(session, known.id, kept, password)
        if known.email_verified_at is None:
            raise _unverified(session)
        return let_in(session, second_factor_since=known.second_factor_since, replaced=replaced)


def let_in(session: Session, *, second_factor_since: datetime | None, replaced: str | None = None) -> Entry:
    """Open a session for the bound person, who has proven who they are; or ask for their second factor first.

    They are in the one place where they work, if it is one.
    """
    if second_factor_since is not None:
        return challenges.begin(session)
    return open_for(session, has_second_factor=False, replaced=replaced)


def open_for(session: Session, *, has_second_factor: bool, replaced: str | None = None) -> Opened:
    """Open a session for the bound person, of whom nothing more is to be asked."""
    place = places.only_place(session)
    opened = sessions.open_session(
        session,
        has_second_factor=has_second_factor,
        organization_id=place.organization_id,
        store_id=place.store_id,
    )
    sessions.end_of_browser(session, replaced, but=opened.session.id)
    return opened


def _refused(session: Session, user_id: UUID | None) -> SignInRefused:
    audit.record(
        session,
        action="sign_in.refused",
        entity="user",
        entity_id=user_id or people.NOBODY,
        after={"by": "password"},
        severity="notice",
    )
    return SignInRefused("This address and this password do not belong together.")


def _unverified(session: Session) -> EmailUnverified:
    user = people.get(session)
    with suppress(TooManyRequests):  # the links of the mails before are good, too
        limits.before_mailing(user.email_index)
        letters.ask_to_verify(session, to=user.email, locale=user.locale)
    audit.record(
        session,
        action="sign_in.refused",
        entity="user",
        entity_id=user.id,
        after={"by": "unverified_email"},
        severity="notice",
    )
    return EmailUnverified("Confirm your address first: we have just sent you a new link to it.")


def _strengthen(session: Session, user_id: UUID, kept: str, password: str) -> None:
    """Replace a hash of weaker parameters, now that we see the password; nobody else changes it, since it is held."""
    session.execute(
        update(User)
        .where(User.id == user_id, User.password_hash == kept)
        .values(password_hash=passwords.hash(password), updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    audit.record(
        session,
        action="password.rehashed",
        entity="user",
        entity_id=user_id,
        after={"algorithm": "argon2id"},
    )
