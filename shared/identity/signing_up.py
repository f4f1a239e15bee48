"""Signing up: a person comes into being, and proves that their address is theirs.

The answer is the same whether or not the address has an account: whoever has it is written to, and nobody else learns
of it. What is done is alike, too: one argon2 and the same number of statements.

A link alone proves an address and opens nothing: whoever confirms it gives the password of the sign-up as well. So
somebody who signs up with another's address gains nothing when that other follows the link; and that other takes the
account over by setting a new password.
"""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids, passwords, tenancy
from shared.identity import letters, limits, mailed_links, password_choice, people, signing_in
from shared.identity.models.people import LinkPurpose, User
from shared.identity.proving import WrongPassword
from shared.identity.signing_in import Entry


def sign_up(session: Session, *, email: str, name: str, password: str, locale: str) -> None:
    """Create a person whose address is to be confirmed, or write to whoever has it.

    Comes from an unbound session and leaves it bound. Of two who sign up with one address at once, one is created.

    Raises:
        PasswordRefused: the password could be guessed.
        TooManyRequests: this address had its mails, or too many were asked for from where this came.
    """
    passwords.require_good(password, about=(email, name))
    index = people.index_of(email)
    limits.before_mailing(index)
    password_hash = passwords.hash(password)
    user_id = people.find(session, index)
    if user_id is None:
        created = _create(session, email=email, name=name, password_hash=password_hash, locale=locale)
        if created is not None:
            with tenancy.within(session, created):
                letters.ask_to_verify(session, to=email, locale=locale)
            return
        user_id = people.find(session, index)  # somebody was faster
    if user_id is not None:
        _write_to_owner(session, user_id)


def register_verified(
    session: Session, *, email: str, name: str, password: str | None, locale: str = "en"
) -> UUID | None:
    """Create a person whose address is known to be theirs; None where it has an account already.

    For whom somebody else vouches (an identity provider, an operator, the demo): no mail is sent. Comes from an unbound
    session and leaves it bound to the person. Without a password they sign in by another way alone.
    """
    password_hash = None if password is None else passwords.hash(password)
    return _create(session, email=email, name=name, password_hash=password_hash, locale=locale, is_verified=True)


def verify(session: Session, *, token: str, password: str, replaced: str | None = None) -> Entry:
    """Confirm an address by the link that was mailed to it and the password of the sign-up; sign the person in.

    Raises:
        LinkRefused: the link was used, or its time is over.
        WrongPassword: it is not the password of the sign-up.
        TooManyRequests: it was tried too often.
    """
    user_id, link_id = mailed_links.find(session, LinkPurpose.VERIFY_EMAIL, token)
    limits.before_proving(user_id)
    with tenancy.within(session, user_id):
        known = people.known(session)
        kept = known.password_hash if known else None
        if not passwords.matches(kept, password) or not people.hold(session, kept):
            raise WrongPassword.of(session, user_id, doing="verify_email")
        mailed_links.use(session, link_id)
        confirm(session, user_id)
        return signing_in.let_in(
            session, second_factor_since=known.second_factor_since if known else None, replaced=replaced
        )


def confirm(session: Session, user_id: UUID) -> None:
    """Write down that the bound person's address is theirs; again, it changes nothing."""
    user = people.get(session)
    if user.email_verified_at is not None:
        return
    user.email_verified_at = user.updated_at = clock.now()
    user.version += 1
    session.flush()
    audit.record(
        session,
        action="user.email_verified",
        entity="user",
        entity_id=user_id,
        before={"email_verified_at": None},
        after={"email_verified_at": user.email_verified_at.isoformat()},
        severity="notice",
    )


def _create(  # noqa: PLR0913 -- each is a fact of the person, by keyword
    session: Session,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    locale: str,
    is_verified: bool = False,
) -> UUID | None:
    user_id, now = ids.new_id(), clock.now()
    with tenancy.within(session, user_id):
        created = session.scalar(
            insert(User)
            .values(
                id=user_id,
                email=email,
                email_index=people.index_of(email),
                name=name,
                locale=locale,
                password_hash=password_hash,
                password_changed_at=now if password_hash else None,
                email_verified_at=now if is_verified else None,
                created_at=now,
                updated_at=now,
            )
            .on_conflict_do_nothing(index_elements=[User.email_index])
            .returning(User.id)
        )
        if created is None:
            return None
        if password_hash is not None:
            password_choice.remember(session, user_id, password_hash)
        audit.record(
            session,
            action="user.registered",
            entity="user",
            entity_id=user_id,
            after={"email": audit.masked(email), "name": audit.masked(name), "is_verified": is_verified},
            severity="notice",
        )
    return user_id


def _write_to_owner(session: Session, user_id: UUID) -> None:
    with tenancy.within(session, user_id):
        known = people.known(session)
        user = people.get(session)
        if known is not None and known.disabled_at is None:
            letters.say_they_are_known(session, to=user.email, locale=user.locale)
        audit.record(
            session,
            action="user.registered_again",
            entity="user",
            entity_id=user_id,
            after={"email": audit.masked(user.email)},
            severity="notice",
        )
