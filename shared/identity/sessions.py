"""Sessions of the people who work for merchants: opened, given another token, listed and ended.

A browser has the token, in a cookie that no script reads; we have its SHA-256. With every change of what a session may
do it gets another token, and the old one is worth nothing, so one that was planted or read before is of no use after.

A session ends after 12 hours without a request, and a day after its sign-in in any case: people who handle others'
orders and addresses sign in once a working day (NIST SP 800-63B asks this of its second level, and ASVS 7.3 asks for
both limits). There is no "remember me". Whoever is disabled is out at their next request.
"""

import math
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from shared.core import audit, browsers, clock, context, credentials, ids, tenancy
from shared.core.errors import NotFound, Unauthenticated
from shared.core.principal import Session as SignedInSession
from shared.identity.models.people import StaffSession

LASTS = timedelta(hours=24)
IDLE = timedelta(hours=12)  # the look-up that lets requests in holds the same
_KEPT = timedelta(days=90)  # how long a person's ended sessions stay, for whoever asks what happened

MOST_LISTED = 100


class Opened(NamedTuple):
    """A session and its token, which goes into the browser's cookie and nowhere else."""

    session: StaffSession
    token: str

    def cookie(self) -> str:
        """Return the Set-Cookie by which the browser keeps it until it ends."""
        left = self.session.expires_at - clock.now()
        return browsers.session_cookie(self.token, seconds=max(0, math.ceil(left.total_seconds())))


def open_session(
    session: Session,
    *,
    has_second_factor: bool,
    organization_id: UUID | None = None,
    store_id: UUID | None = None,
) -> Opened:
    """Open a session of the bound person, who has just proven who they are; remove those that ended long ago."""
    now, scope, token = clock.now(), context.current(), credentials.generate(credentials.SESSION)
    long_ago = now - _KEPT
    is_old = or_(StaffSession.ended_at < long_ago, StaffSession.expires_at < long_ago)
    session.execute(delete(StaffSession).where(is_old))
    opened = StaffSession(
        id=ids.new_id(),
        user_id=tenancy.require_store(session),
        digest=credentials.digest(token),
        organization_id=organization_id,
        entered_store_id=store_id,
        has_second_factor=has_second_factor,
        proven_at=now,
        created_at=now,
        last_seen_at=now,
        expires_at=now + LASTS,
        address=scope.ip,
        user_agent=scope.user_agent,
    )
    session.add(opened)
    session.flush()
    audit.record(
        session,
        action="session.opened",
        entity="session",
        entity_id=opened.id,
        after={"has_second_factor": has_second_factor, "expires_at": opened.expires_at.isoformat()},
        severity="notice",
    )
    return Opened(opened, token)


def rotate(session: Session, signed_in: SignedInSession, **changes: Any) -> Opened:  # noqa: ANN401 -- its columns
    """Give a session of the bound person another token, with what changes about it.

    A token is exchanged once: of two requests that come with the same one, the second is refused.

    Raises:
        Unauthenticated: it has ended in the meantime, or has another token already.
    """
    token = credentials.generate(credentials.SESSION)
    rotated = session.scalars(
        update(StaffSession)
        .where(
            StaffSession.id == signed_in.id,
            StaffSession.digest == signed_in.digest,
            StaffSession.ended_at.is_(None),
        )
        .values(digest=credentials.digest(token), **changes)
        .returning(StaffSession)
    ).one_or_none()
    if rotated is None:
        raise Unauthenticated("Sign in: this session has ended.")
    return Opened(rotated, token)


def list_sessions(session: Session) -> list[StaffSession]:
    """Return where the bound person is signed in at present, the latest sign-in first."""
    now = clock.now()
    return list(
        session.scalars(
            select(StaffSession)
            .where(
                StaffSession.ended_at.is_(None),
                StaffSession.expires_at > now,
                StaffSession.last_seen_at > now - IDLE,
            )
            .order_by(StaffSession.id.desc())
            .limit(MOST_LISTED)
        )
    )


def end(session: Session, session_id: UUID, *, because: str) -> int:
    """End one session of the bound person, from the next request on; return 0 where it was over already.

    Raises:
        NotFound: the person has no such session.
    """
    ended = _end(session, StaffSession.id == session_id, because=because)
    if not ended and session.scalar(select(StaffSession.id).where(StaffSession.id == session_id)) is None:
        raise NotFound("You have no such session.")
    return ended


def end_all(session: Session, *, because: str, but: UUID | None = None) -> int:
    """End every session of the bound person, but for one; return how many there were."""
    return _end(session, StaffSession.id != but if but is not None else StaffSession.id.is_not(None), because=because)


def end_of_browser(session: Session, token: str | None, *, but: UUID) -> None:
    """End the bound person's session whose cookie came along, where they sign in anew in the same browser.

    Another person's is left to its own end: this transaction is bound to who signs in.
    """
    if token is not None and credentials.is_well_formed(credentials.SESSION, token):
        digest = credentials.digest(token)
        _end(session, (StaffSession.digest == digest) & (StaffSession.id != but), because="signed_in_anew")


def _end(session: Session, which: Any, *, because: str) -> int:  # noqa: ANN401 -- a condition on the session's columns
    now = clock.now()
    ended = session.scalars(
        update(StaffSession)
        .where(which, StaffSession.ended_at.is_(None))
        .values(ended_at=now, ended_because=because)
        .returning(StaffSession.id)
        .execution_options(synchronize_session=False)
    ).all()
    for session_id in ended:
        audit.record(
            session,
            action="session.ended",
            entity="session",
            entity_id=session_id,
            before={"ended_at": None},
            after={"ended_at": now.isoformat(), "because": because},
            severity="notice",
        )
    return len(ended)
