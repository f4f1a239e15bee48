"""Signing in by an account at another issuer: OpenID Connect's authorization code flow, with PKCE, state and nonce.

What ties the two halves together (issuer, state, nonce, the PKCE verifier) lies in an encrypted cookie of the browser
that began, for ten minutes; there is nothing to keep on our side, and a response that another browser brings is
refused. An account is known by issuer and subject. An address that an issuer vouches for makes a new person, and never
opens one that is there: who has an account signs in as before and links the other one.
"""

import base64
import binascii
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import audit, clock, emails, encryption, ids, tenancy
from shared.core.encryption import DecryptionFailed
from shared.core.errors import NotFound, Problem, Unauthenticated
from shared.core.idempotency import PLATFORM_STORE
from shared.core.settings import settings
from shared.identity import issuers, letters, limits, people, signing_in, signing_up
from shared.identity.issuers import Issuer
from shared.identity.models.factors import Account
from shared.identity.signing_in import Entry

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

LASTS_SECONDS = 600
CALLBACK = "/sign-in/issuer"  # the merchants' page that brings `code` and `state` back
_SCOPE = "openid email profile"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]  # signatures; never `none`, no secrets
_LEEWAY = 60  # seconds by which two clocks may differ
_COLUMN = "oidc.flow"  # what the cookie's encryption is bound to

_BY_ACCOUNT = text("select lookup.user_by_account(:index)")


class IssuerRefused(Unauthenticated):
    """The response is not of this browser's sign-in, its time is over, or the issuer did not vouch for it."""

    code = "issuer_refused"
    title = "Not signed in"


class AccountUnknown(Problem):
    """The address has an account here that this one is not linked to. Sign in as before, and link it."""

    status = 409
    code = "account_unknown"
    title = "Not linked yet"


class AccountTaken(Problem):
    """This account is linked to another person."""

    status = 409
    code = "account_taken"
    title = "Linked to somebody else"


class LastWayIn(Problem):
    """Without this account you could not sign in any more. Set a password first."""

    status = 409
    code = "last_way_in"
    title = "Your last way in"


class Begun(NamedTuple):
    """Where to send the browser, and what it keeps until it is back."""

    authorization_url: str
    flow: str


class _Flow(NamedTuple):
    issuer: str
    state: str
    nonce: str
    verifier: str
    expires_at: str  # ISO 8601
    link_to: str | None  # who had signed in and wants to link the account


def begin(name: str, *, link_to: UUID | None = None) -> Begun:
    """Begin a sign-in at the issuer of that name; or, for who has signed in, the linking of an account there.

    Talks to the issuer, unless where it answers is known: not within a transaction.

    Raises:
        NotFound: there is no issuer of this name.
        IssuerUnreachable: it does not answer.
    """
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # noqa: PLC0415 -- 60 ms that only this pays
    from authlib.oauth2.rfc7636 import create_s256_code_challenge  # noqa: PLC0415 -- the same

    issuer = issuers.get(name)
    flow = _Flow(
        issuer=name,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        expires_at=(clock.now() + timedelta(seconds=LASTS_SECONDS)).isoformat(),
        link_to=str(link_to) if link_to else None,
    )
    address = prepare_grant_uri(
        issuers.metadata(issuer).authorization_endpoint,
        client_id=issuer.client_id,
        response_type="code",
        redirect_uri=_redirect_uri(),
        scope=_SCOPE,
        state=flow.state,
        nonce=flow.nonce,
        code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256",
    )
    kept = encryption.encrypt(PLATFORM_STORE, _COLUMN, json.dumps(flow).encode())
    return Begun(address, base64.urlsafe_b64encode(kept).decode())


def complete(  # noqa: PLR0913 -- what came back, what was kept, and what the browser had
    session: Session, *, flow: str | None, state: str, code: str, told_issuer: str | None, replaced: str | None = None
) -> Entry:
    """Let somebody in by what their issuer says of them, or link the account to who began; see the module.

    Comes from an unbound session, talks to the issuer before its first statement, and leaves it bound to the person.
    A second factor of the person's own is asked for all the same.

    Raises:
        IssuerRefused: the response is not of this browser's sign-in, or the issuer did not vouch for it.
        IssuerUnreachable: the issuer does not answer.
        AccountUnknown: the address has an account here, which this one is not linked to.
        AccountTaken: the account that is to be linked is somebody else's.
        EmailUnverified: the issuer does not say that the address is theirs.
        TooManyRequests: it was tried too often.
    """
    limits.before_asking_an_issuer()
    begun = _read(flow, state)
    issuer = issuers.get(begun.issuer)
    if told_issuer is not None and told_issuer != issuer.issuer:
        raise _refused()  # a mix-up of two issuers (RFC 9207)
    claims = _vouched(issuer, begun, code)
    subject = str(claims["sub"])
    index = encryption.blind_index(PLATFORM_STORE, "accounts.subject", f"{issuer.issuer} {subject}")
    owner: UUID | None = session.scalar(_BY_ACCOUNT, {"index": index})
    if begun.link_to is not None:
        return _link(session, UUID(begun.link_to), owner, issuer, subject, index=index, replaced=replaced)
    if owner is None:
        owner = _register(session, claims)
        with tenancy.within(session, owner):
            _add(session, issuer, subject, index)
    with tenancy.within(session, owner):
        return _let_in(session, index, replaced=replaced)


def list_accounts(session: Session) -> list[Account]:
    """Return the bound person's accounts at issuers, the newest first."""
    return list(session.scalars(select(Account).order_by(Account.id.desc())))


def unlink(session: Session, account_id: UUID) -> None:
    """Take an account away from the bound person.

    Raises:
        NotFound: they have no such account.
        LastWayIn: they have no password and no other account.
    """
    people.lock(session)
    gone = session.scalars(delete(Account).where(Account.id == account_id).returning(Account.issuer)).one_or_none()
    if gone is None:
        raise NotFound("You have no such account.")
    known = people.known(session)
    others = session.scalar(select(func.count(Account.id)))
    if known is not None and known.password_hash is None and not others:
        raise LastWayIn("Without this account you could not sign in any more. Set a password first, by a mailed link.")
    audit.record(
        session,
        action="account.unlinked",
        entity="account",
        entity_id=account_id,
        before={"issuer": gone},
        after={"issuer": None},
        severity="critical",
    )
    letters.say_the_second_factor_changed(session, people.get(session))


def _read(flow: str | None, state: str) -> _Flow:
    try:
        kept = encryption.decrypt(PLATFORM_STORE, _COLUMN, base64.urlsafe_b64decode((flow or "").encode()))
        begun = _Flow(*json.loads(kept))
    except (DecryptionFailed, binascii.Error, ValueError, TypeError) as unreadable:
        raise _refused() from unreadable
    if datetime.fromisoformat(begun.expires_at) < clock.now() or not hmac.compare_digest(
        begun.state.encode(), state.encode()
    ):
        raise _refused()
    return begun


def _vouched(issuer: Issuer, begun: _Flow, code: str) -> dict[str, Any]:
    """Exchange the code for an ID token, and return its claims once everything about it is right."""
    from authlib.oauth2.rfc6749.parameters import prepare_token_request  # noqa: PLC0415 -- as in `begin`

    body = prepare_token_request(
        "authorization_code", code=code, redirect_uri=_redirect_uri(), code_verifier=begun.verifier
    )
    answer = issuers.exchange(issuer, body)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _refused()  # the code was used, is of another client, or not of this browser
    return _checked(issuer, token, nonce=begun.nonce)


def _checked(issuer: Issuer, token: str, *, nonce: str) -> dict[str, Any]:
    from authlib.oidc.core import CodeIDToken  # noqa: PLC0415 -- as in `begin`
    from joserfc import jwt  # noqa: PLC0415 -- the same
    from joserfc.errors import JoseError  # noqa: PLC0415 -- the same

    for anew in (False, True):  # the issuer may have new keys since we asked
        try:
            read = jwt.decode(token, _key_set(issuers.keys(issuer, anew=anew)), algorithms=_ALGORITHMS)
        except (JoseError, ValueError) as unsigned:
            if anew:
                raise _refused() from unsigned
            continue
        options = {"iss": {"values": [issuer.issuer]}, "aud": {"values": [issuer.client_id]}}
        claims = CodeIDToken(
            read.claims, read.header, options=options, params={"nonce": nonce, "client_id": issuer.client_id}
        )
        try:
            claims.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY)
        except JoseError as false:
            raise _refused() from false
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused()
        return dict(claims)
    raise _refused()


def _key_set(told: Any) -> "KeySet":  # noqa: ANN401 -- JSON that an issuer sent; what is no key set is refused
    from joserfc.jwk import KeySet  # noqa: PLC0415 -- as in `begin`

    return KeySet.import_key_set(told)


def _register(session: Session, claims: dict[str, Any]) -> UUID:
    """Create the person whom an issuer vouches for. Nobody who is there already is opened by an address."""
    try:
        email = emails.normalize(str(claims.get("email") or ""))
    except ValueError as missing:
        raise _unverified() from missing
    if claims.get("email_verified") is not True:
        raise _unverified()
    name = str(claims.get("name") or "").strip()[:200] or email.partition("@")[0]
    user_id = signing_up.register_verified(session, email=email, name=name, password=None)
    if user_id is None:
        raise AccountUnknown("This address has an account here. Sign in as before, and link the other one then.")
    return user_id


def _link(  # noqa: PLR0913 -- whom, and everything about the account
    session: Session,
    user_id: UUID,
    owner: UUID | None,
    issuer: Issuer,
    subject: str,
    *,
    index: bytes,
    replaced: str | None,
) -> Entry:
    if owner is not None and owner != user_id:
        raise AccountTaken("This account is linked to another person. Unlink it there first.")
    with tenancy.within(session, user_id):
        if owner is None:
            _add(session, issuer, subject, index)
            letters.say_the_second_factor_changed(session, people.get(session))
        return _let_in(session, index, replaced=replaced)


def _add(session: Session, issuer: Issuer, subject: str, index: bytes) -> None:
    now = clock.now()
    added = session.scalar(
        insert(Account)
        .values(
            id=ids.new_id(),
            user_id=tenancy.require_store(session),
            issuer=issuer.name,
            subject=subject,
            subject_index=index,
            created_at=now,
            last_used_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Account.subject_index])
        .returning(Account.id)
    )
    if added is None:
        raise AccountTaken("This account was linked just now. Sign in again.")
    audit.record(
        session,
        action="account.linked",
        entity="account",
        entity_id=added,
        after={"issuer": issuer.name, "subject": audit.masked(subject)},
        severity="critical",
    )


def _let_in(session: Session, index: bytes, *, replaced: str | None) -> Entry:
    known = people.known(session)
    if known is None or not people.hold(session, known.password_hash):
        raise _refused()
    session.execute(
        update(Account)
        .where(Account.subject_index == index)
        .values(last_used_at=clock.now())
        .execution_options(synchronize_session=False)
    )
    return signing_in.let_in(session, second_factor_since=known.second_factor_since, replaced=replaced)


def _redirect_uri() -> str:
    return settings().public_url + CALLBACK


def _refused() -> IssuerRefused:
    return IssuerRefused("This sign-in is over, or is not this browser's. Begin again.")


def _unverified() -> signing_in.EmailUnverified:
    return signing_in.EmailUnverified("The issuer does not say that the address is yours. Confirm it there first.")
