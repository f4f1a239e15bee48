"""Authenticator apps: set up by a secret that both know, confirmed by a first code, and taken away again.

Whoever adds or removes one has proven who they are within the last minutes (the routes ask for it); the person is told
by mail, and their other sessions end.
"""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, ids
from shared.core.errors import NotFound, Problem
from shared.core.principal import Session as SignedInSession
from shared.identity import letters, limits, people, recovery_codes, second_factor
from shared.identity.models.factors import Authenticator
from shared.identity.models.people import User
from shared.identity.second_factor import WrongCode
from shared.identity.sessions import Opened

MOST = 5
_ISSUER = "StormCom"


class TooManyAuthenticators(Problem):
    """A person may have five authenticator apps; remove one that is not used any more."""

    status = 409
    code = "too_many_authenticators"
    title = "Enough apps"


class Begun(NamedTuple):
    """An app that is to be set up; its secret is shown this once."""

    authenticator: Authenticator
    secret: str  # base 32
    uri: str  # otpauth://, what the QR code holds
    qr_code: str  # SVG


class Confirmed(NamedTuple):
    """What came of a first code: the session with its new token, and, with the first app, recovery codes."""

    opened: Opened
    recovery_codes: list[str]


def begin(session: Session, *, name: str) -> Begun:
    """Make the secret of a new app of the bound person; it proves nothing until it is confirmed.

    Of apps that were begun and never confirmed, the last one stays.

    Raises:
        TooManyAuthenticators: they have five.
    """
    import segno  # noqa: PLC0415 -- 20 ms that only who sets up an app pays
    from pyotp import TOTP, random_base32  # noqa: PLC0415 -- the same

    session.execute(delete(Authenticator).where(Authenticator.confirmed_at.is_(None)))
    if (session.scalar(select(func.count(Authenticator.id))) or 0) >= MOST:
        raise TooManyAuthenticators("You have five authenticator apps. Remove one that you don't use any more.")
    secret = random_base32()  # 160 random bits
    begun = Authenticator(id=ids.new_id(), name=name, secret=secret, created_at=clock.now())
    session.add(begun)
    session.flush()
    audit.record(
        session, action="authenticator.begun", entity="authenticator", entity_id=begun.id, after={"name": name}
    )
    uri = TOTP(secret).provisioning_uri(name=people.get(session).email, issuer_name=_ISSUER)
    return Begun(begun, secret, uri, segno.make(uri, error="m").svg_inline(scale=4))


def confirm(session: Session, signed_in: SignedInSession, authenticator_id: UUID, *, code: str) -> Confirmed:
    """Let an app of the bound person prove from now on, by a first code of it; other sessions end.

    With the first app come ten recovery codes.

    Raises:
        NotFound: there is no such app that waits for its first code.
        WrongCode: it shows another one.
        TooManyRequests: it was tried too often.
        Unauthenticated: the session has ended in the meantime.
    """
    limits.before_proving(signed_in.user_id)
    people.lock(session)
    app = session.scalars(
        select(Authenticator)
        .where(Authenticator.id == authenticator_id, Authenticator.confirmed_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if app is None:
        raise NotFound("You have no such app that waits for its first code.")
    step = second_factor.matching_step(app.secret, "".join(code.split()))
    if step is None:
        audit.record(
            session,
            action="second_factor.refused",
            entity="user",
            entity_id=signed_in.user_id,
            after={"doing": "confirm_authenticator"},
            severity="notice",
        )
        raise WrongCode("Your app shows another code at present. Is the phone's clock right?")
    now = clock.now()
    app.confirmed_at, app.last_step = now, step
    session.flush()
    first = session.scalar(
        update(User)
        .where(User.id == signed_in.user_id, User.second_factor_since.is_(None))
        .values(second_factor_since=now, version=User.version + 1, updated_at=now)
        .returning(User.id)
        .execution_options(synchronize_session=False)
    )
    codes = recovery_codes.make(session) if first is not None else []
    audit.record(
        session,
        action="authenticator.added",
        entity="authenticator",
        entity_id=app.id,
        before={"confirmed_at": None},
        after={"confirmed_at": now.isoformat(), "name": app.name},
        severity="critical",
    )
    letters.say_the_second_factor_changed(session, people.get(session))
    return Confirmed(second_factor.changed(session, signed_in, has_second_factor=True), codes)


def list_authenticators(session: Session) -> list[Authenticator]:
    """Return the bound person's apps, the newest first."""
    return list(session.scalars(select(Authenticator).order_by(Authenticator.id.desc())))


def remove(session: Session, signed_in: SignedInSession, authenticator_id: UUID) -> Opened:
    """Take an app of the bound person away; with the last one their second factor ends, and their recovery codes.

    Raises:
        NotFound: they have no such app.
        Unauthenticated: the session has ended in the meantime.
    """
    people.lock(session)
    gone = session.scalars(
        delete(Authenticator).where(Authenticator.id == authenticator_id).returning(Authenticator.name)
    ).one_or_none()
    if gone is None:
        raise NotFound("You have no such app.")
    others = select(Authenticator.id).where(Authenticator.confirmed_at.is_not(None)).limit(1)
    is_last = session.scalar(others) is None
    if is_last:
        now = clock.now()
        session.execute(
            update(User)
            .where(User.id == signed_in.user_id)
            .values(second_factor_since=None, version=User.version + 1, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        recovery_codes.forget(session)
    audit.record(
        session,
        action="authenticator.removed",
        entity="authenticator",
        entity_id=authenticator_id,
        before={"name": gone},
        after={"second_factor": not is_last},
        severity="critical",
    )
    letters.say_the_second_factor_changed(session, people.get(session))
    return second_factor.changed(session, signed_in, has_second_factor=not is_last)


def renew_recovery_codes(session: Session, user_id: UUID) -> list[str]:
    """Give the bound person ten new recovery codes, for those that were used or lost.

    Raises:
        NotFound: they have no second factor that these could stand in for.
    """
    known = people.known(session)
    if known is None or known.second_factor_since is None:
        raise NotFound("Set up an authenticator app first: recovery codes are for who has lost theirs.")
    left = recovery_codes.left(session)
    codes = recovery_codes.make(session)
    audit.record(
        session,
        action="recovery_codes.renewed",
        entity="user",
        entity_id=user_id,
        before={"left": left},
        after={"left": len(codes), "renewed": True},
        severity="critical",
    )
    letters.say_the_second_factor_changed(session, people.get(session))
    return codes
