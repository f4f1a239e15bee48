"""A customer's password: set, changed, and reset, which is to sign in by a code and set another."""

from sqlalchemy.orm import Session

from shared.core import clock, passwords
from shared.core.errors import Problem
from shared.core.passwords import PasswordRefused
from shared.core.principal import Session as SignedIn
from shared.customers import accounts, contact_change, limits, proving, sessions, wording
from shared.customers.models import Customer
from shared.customers.schemas import SetPassword
from shared.messaging import outgoing
from shared.stores import queries as stores

PURPOSE = "customer_password_changed"


class CurrentPasswordRefused(Problem):
    """The present password is missing or wrong; who has just signed in by a code needs none."""

    status = 422
    code = "current_password_refused"
    title = "Wrong current password"


def set_password(session: Session, signed_in: SignedIn, wanted: SetPassword) -> Customer:
    """Give an account its password, or another one; every other session of the customer ends, and they are told.

    Raises:
        StepUpRequired: there is no password to ask for, and the last proof of who they are is old.
        CurrentPasswordRefused: there is one, and it was not given.
        PasswordRefused: the new one could be guessed, or is the present one.
        TooManyRequests: too many passwords were tried.
    """
    customer = accounts.held(session, signed_in.user_id)
    kept = bytes(customer.password_digest).decode() if customer.password_digest else None
    _require_right(session, signed_in, wanted, kept)
    store = stores.present_store(session)
    about = [text for text in (customer.name, customer.email, customer.phone, store.name) if text]
    passwords.require_good(wanted.password, about=about)
    if kept is not None and passwords.matches(kept, wanted.password):
        raise PasswordRefused("used_before", "This is your password already. Choose another one.")
    before, now = customer.password_changed_at, clock.now()
    customer.password_digest, customer.password_changed_at = passwords.hash(wanted.password).encode(), now
    accounts.touch(session, customer)
    accounts.note_change(
        session,
        customer,
        ["password"],
        {"password_changed_at": before.isoformat() if before else None},
        {"password_changed_at": now.isoformat()},
    )
    sessions.end_some(session, customer.id, because="password_changed", but=signed_in.id)
    words = wording.in_language_of(customer.locale or store.locale)
    subject, text = wording.password_message(words, store=store.name)
    to = contact_change.reach_of(customer, "email") or contact_change.reach_of(customer, "phone")
    if to is not None:
        dedupe_key = f"{PURPOSE}:{customer.id}:{customer.version}"
        outgoing.enqueue(
            session, to.channel, to=to.value, subject=subject, text=text, purpose=PURPOSE, dedupe_key=dedupe_key
        )
    return customer


def _require_right(session: Session, signed_in: SignedIn, wanted: SetPassword, kept: str | None) -> None:
    if proving.has_just_shown_a_code(session, signed_in):
        return
    if kept is None:
        raise proving.step_up()
    if wanted.current_password is not None:
        limits.take_current_password(signed_in.store_id or stores.present_store(session).id, signed_in.user_id)
        if passwords.matches(kept, wanted.current_password):
            return
    raise CurrentPasswordRefused("Send your present password as current_password, or sign in by a code first.")
