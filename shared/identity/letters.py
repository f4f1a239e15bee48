"""What a person is written about their account: queued in the transaction of its reason, sent after it."""

from dataclasses import replace
from datetime import timedelta
from html import escape
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import ids
from shared.core.settings import settings
from shared.identity import mailed_links, wording
from shared.identity.mailed_links import Issued
from shared.identity.models.people import LinkPurpose, User
from shared.identity.wording import Letter
from shared.messaging import outgoing
from shared.messaging.models import ChannelKind

# Where the merchants' pages take a link's token from behind the `#` to the routes that use it.
_PAGES = {LinkPurpose.VERIFY_EMAIL: "/sign-up/confirm", LinkPurpose.RESET_PASSWORD: "/reset-password"}


def ask_to_verify(session: Session, *, to: str, locale: str) -> None:
    """Ask the bound person to prove that the address is theirs."""
    letter = wording.in_language_of(locale).verify_email
    _send_link(session, LinkPurpose.VERIFY_EMAIL, letter, to=to, locale=locale, purpose="verify_email")


def say_they_are_known(session: Session, *, to: str, locale: str) -> None:
    """Tell the bound person that somebody signed up with their address, and how to get in if it was them."""
    letter = wording.in_language_of(locale).already_registered
    _send_link(session, LinkPurpose.RESET_PASSWORD, letter, to=to, locale=locale, purpose="already_registered")


def send_reset_link(session: Session, *, to: str, locale: str) -> None:
    """Send the bound person a link by which they set a new password."""
    letter = wording.in_language_of(locale).reset_password
    _send_link(session, LinkPurpose.RESET_PASSWORD, letter, to=to, locale=locale, purpose="reset_password")


def say_the_password_changed(session: Session, occasion: UUID, *, to: str, locale: str) -> None:
    """Tell the bound person that their password was changed, once for each `occasion`."""
    letter = wording.in_language_of(locale).password_changed
    _send(session, letter, None, to=to, locale=locale, purpose="password_changed", occasion=occasion)


def say_the_second_factor_changed(session: Session, user: User) -> None:
    """Tell the bound person that an authenticator app, or their recovery codes, were changed."""
    letter = wording.in_language_of(user.locale).second_factor_changed
    _send(
        session,
        letter,
        None,
        to=user.email,
        locale=user.locale,
        purpose="second_factor_changed",
        occasion=ids.new_id(),
    )


def say_a_recovery_code_was_used(session: Session, user: User, *, left: int) -> None:
    """Tell the bound person that a recovery code of theirs was used, and how many are left."""
    letter = wording.in_language_of(user.locale).recovery_code_used
    letter = replace(letter, says=letter.says.format(left=left))
    _send(
        session,
        letter,
        None,
        to=user.email,
        locale=user.locale,
        purpose="recovery_code_used",
        occasion=ids.new_id(),
    )


def _send_link(  # noqa: PLR0913 -- each is a part of a letter, by keyword
    session: Session, kind: LinkPurpose, letter: Letter, *, to: str, locale: str, purpose: str
) -> None:
    link = mailed_links.issue(session, kind)
    _send(session, letter, _address(kind, link), to=to, locale=locale, purpose=purpose, occasion=link.id)


def _send(  # noqa: PLR0913 -- each is a part of a letter, by keyword
    session: Session,
    letter: Letter,
    link: str | None,
    *,
    to: str,
    locale: str,
    purpose: str,
    occasion: UUID,
) -> None:
    words = wording.in_language_of(locale)
    ends = letter.ends.format(
        hours=mailed_links.LASTS[LinkPurpose.VERIFY_EMAIL] // timedelta(hours=1),
        minutes=mailed_links.LASTS[LinkPurpose.RESET_PASSWORD] // timedelta(minutes=1),
    )
    clickable = f'<p><a href="{escape(link, quote=True)}">{escape(letter.follow)}</a></p>' if link else ""
    outgoing.enqueue(
        session,
        ChannelKind.EMAIL,
        to=to,
        subject=letter.subject,
        text="\n\n".join(part for part in (words.greeting, letter.says, link, ends) if part) + "\n",
        html=(
            f'<!doctype html><html lang="{words.language}"><meta charset="utf-8"><body><p>{escape(words.greeting)}</p>'
            f"<p>{escape(letter.says)}</p>{clickable}<p>{escape(ends)}</p></body></html>"
        ),
        purpose=purpose,
        dedupe_key=f"{purpose}:{occasion}",
    )


def _address(kind: LinkPurpose, link: Issued) -> str:
    return f"{settings().public_url}{_PAGES[kind]}#{link.token}"
