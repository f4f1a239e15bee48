"""Sessions of customers: where they are signed in, and the pairs of tokens by which they stay so.

Access lasts a quarter of an hour, and is over at once when the session ends. The refresh token of a pair buys the next
pair, once. That pair follows from it by the store's key: whoever asks twice within half a minute, for an answer that
got lost or from two tabs, gets the same pair, and no branch comes into being. A refresh token that comes back later, or
after its successor was used, is in two hands: the session ends, for thief and customer alike.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from shared.core import audit, clock, context, credentials, database, encryption, ids, records, tenancy
from shared.core.errors import NotFound, Problem
from shared.customers.models import Customer, CustomerSession, CustomerToken, Proof

ACCESS = timedelta(minutes=15)
IDLE = timedelta(days=60)  # without a renewal
LONGEST = timedelta(days=365)  # since the sign-in
GRACE = timedelta(seconds=30)  # within which a used refresh token may be the same client's second try

_ENTITY = "customer_session"


class SessionEnded(Problem):
    """The refresh token is none, or its session has ended: sign in again."""

    status = 401
    code = "session_ended"
    title = "Session ended"


@dataclass(frozen=True)
class Tokens:
    """A pair of tokens, in clear this once."""

    session_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


# Of two with one token, one takes it; the other waits for that, and finds it used.
_TAKE = text("""
update customer_tokens t set used_at = :now
from customer_sessions s, customers c
where t.store_id = :store_id and t.refresh_digest = :digest and t.used_at is null
  and s.store_id = t.store_id and s.id = t.session_id and s.ended_at is null and s.expires_at > :now
  and c.store_id = s.store_id and c.id = s.customer_id and c.status = 'active' and c.deleted_at is null
returning t.session_id, s.created_at
""")
_RENEW = text("""
update customer_sessions set refreshed_at = :now, expires_at = :expires_at
where store_id = :store_id and id = :session_id and ended_at is null
""")
_USED = text("""
select t.session_id, t.used_at, s.expires_at, next.access_expires_at as next_access_expires_at,
       next.used_at as next_used_at
from customer_tokens t
join customer_sessions s on s.store_id = t.store_id and s.id = t.session_id
join customers c on c.store_id = s.store_id and c.id = s.customer_id
left join customer_tokens next on next.store_id = t.store_id and next.refresh_digest = :next_digest
where t.store_id = :store_id and t.refresh_digest = :digest and t.used_at is not null
  and s.ended_at is null and s.expires_at > :now and c.status = 'active' and c.deleted_at is null
""")


def begin(session: Session, customer: Customer, *, proof: Proof, replacing: UUID | None) -> Tokens:
    """Sign a customer in. `replacing`: the session that asked for it, which ends if it is theirs. Five statements."""
    if replacing is not None:
        end_some(session, customer.id, because="replaced", only=replacing)
    scope, now = context.current(), clock.now()
    row = CustomerSession(
        id=ids.new_id(),
        customer_id=customer.id,
        proven_by=proof,
        proven_at=now,
        created_at=now,
        refreshed_at=now,
        expires_at=now + IDLE,
        address=scope.ip,
        user_agent=scope.user_agent,
    )
    session.add(row)
    session.flush()  # before its tokens, which point at it
    access, refresh = credentials.generate(credentials.CUSTOMER), credentials.generate(credentials.REFRESH)
    tokens = Tokens(row.id, access, now + ACCESS, refresh, row.expires_at)
    _keep(session, tokens, now)
    audit.record(
        session,
        action="customer.signed_in",
        entity="customer",
        entity_id=customer.id,
        after={"session_id": ids.encode("csess", row.id), "by": proof.value},
    )
    return tokens


def refresh(session: Session, token: str) -> Tokens:
    """Return the pair that follows a refresh token: made now, or half a minute ago for the same token.

    Raises:
        SessionEnded: it is no refresh token of this store, or its session has ended; by this very request, where the
            token was used before.
    """
    store_id, now = tenancy.require_store(session), clock.now()
    if not credentials.is_well_formed(credentials.REFRESH, token):
        raise _ended()
    digest = credentials.digest(token)
    access, following = _following(store_id, token)
    values = {"store_id": store_id, "digest": digest, "next_digest": credentials.digest(following), "now": now}
    taken = session.execute(_TAKE, values).one_or_none()
    if taken is None:
        return _again(session, values, access, following)
    expires_at = min(now + IDLE, taken.created_at + LONGEST)
    renewed = session.execute(_RENEW, values | {"session_id": taken.session_id, "expires_at": expires_at})
    if not renewed.rowcount:  # type: ignore[attr-defined]  # an update's result has it
        raise _ended()
    tokens = Tokens(taken.session_id, access, min(now + ACCESS, expires_at), following, expires_at)
    _keep(session, tokens, now)
    audit.record(
        session,
        action="customer_session.refreshed",
        entity=_ENTITY,
        entity_id=taken.session_id,
        after={"expires_at": expires_at.isoformat()},
    )
    return tokens


def list_alive(session: Session, customer_id: UUID) -> list[CustomerSession]:
    """Return where a customer is signed in, the latest first. One statement."""
    alive = select(CustomerSession).where(
        CustomerSession.customer_id == customer_id,
        CustomerSession.ended_at.is_(None),
        CustomerSession.expires_at > clock.now(),
    )
    return list(session.scalars(alive.order_by(CustomerSession.id.desc()).limit(100)))


def end(session: Session, customer_id: UUID, session_id: UUID) -> int:
    """End one session of a customer; one that has ended stays so. Return how many ended now.

    Raises:
        NotFound: the customer has no such session.
    """
    ended = end_some(session, customer_id, because="signed_out", only=session_id)
    if ended:
        return ended
    its = select(CustomerSession.id).where(CustomerSession.id == session_id, CustomerSession.customer_id == customer_id)
    if session.scalar(its) is None:
        raise NotFound("You have no such session.")
    return 0


def end_some(
    session: Session, customer_id: UUID, *, because: str, only: UUID | None = None, but: UUID | None = None
) -> int:
    """End a customer's sessions, from the next request on: all, one, or all but one. Return how many. One statement."""
    now = clock.now()
    change = update(CustomerSession).where(
        CustomerSession.customer_id == customer_id,
        CustomerSession.ended_at.is_(None),
        CustomerSession.expires_at > now,
    )
    if only is not None:
        change = change.where(CustomerSession.id == only)
    if but is not None:
        change = change.where(CustomerSession.id != but)
    ended = session.scalars(
        change.values(ended_at=now, ended_because=because).returning(CustomerSession.id),
        execution_options={"synchronize_session": False},
    ).all()
    for session_id in sorted(ended):
        _note_end(session, session_id, now, because)
    return len(ended)


def _again(session: Session, values: dict[str, object], access: str, following: str) -> Tokens:
    """Return the pair that was made a moment ago; a token that was used before that ends its session."""
    used = session.execute(_USED, values).one_or_none()
    if used is None:
        raise _ended()
    store_id, now = tenancy.require_store(session), clock.now()
    if used.next_used_at is None and used.next_access_expires_at is not None and now - used.used_at <= GRACE:
        return Tokens(used.session_id, access, used.next_access_expires_at, following, used.expires_at)
    # On a connection of its own: this request is refused, and what it found out must stay.
    with database.transaction_beside(store_id) as beside:
        beside.execute(
            update(CustomerSession)
            .where(CustomerSession.id == used.session_id, CustomerSession.ended_at.is_(None))
            .values(ended_at=now, ended_because="refresh_token_used_twice"),
            execution_options={"synchronize_session": False},
        )
        _note_end(beside, used.session_id, now, "refresh_token_used_twice")
        records.write(beside)
    raise _ended()


def _following(store_id: UUID, token: str) -> tuple[str, str]:
    """Return the pair that follows a refresh token. Only who has both the token and the store's key can tell."""
    access = encryption.blind_index(store_id, "customer_tokens.access", token)
    following = encryption.blind_index(store_id, "customer_tokens.refresh", token)
    return credentials.derived(credentials.CUSTOMER, access), credentials.derived(credentials.REFRESH, following)


def _keep(session: Session, tokens: Tokens, now: datetime) -> None:
    session.add(
        CustomerToken(
            id=ids.new_id(),
            session_id=tokens.session_id,
            access_digest=credentials.digest(tokens.access_token),
            access_expires_at=tokens.access_expires_at,
            refresh_digest=credentials.digest(tokens.refresh_token),
            created_at=now,
        )
    )


def _note_end(session: Session, session_id: UUID, at: datetime, because: str) -> None:
    audit.record(
        session,
        action="customer_session.ended",
        entity=_ENTITY,
        entity_id=session_id,
        before={"ended_at": None},
        after={"ended_at": at.isoformat(), "because": because},
        severity="critical" if because == "refresh_token_used_twice" else "info",
    )


def _ended() -> SessionEnded:
    return SessionEnded("This session has ended. Sign in again.")
