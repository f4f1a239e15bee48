"""Mails the link by which somebody who has forgotten their password sets a new one."""

from sqlalchemy.orm import Session

from shared.core.functions import consumer
from shared.identity import password_change
from shared.identity.events import PasswordResetAsked


@consumer("password-resets", events=(PasswordResetAsked,))
def mail_reset_links(wish: PasswordResetAsked, session: Session) -> None:
    """Write to whoever has the address, if anybody has: here, where nobody waits for an answer and measures it."""
    password_change.mail_link(session, bytes.fromhex(wish.fingerprint))


handler = mail_reset_links.handler
