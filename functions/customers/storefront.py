"""Signing in to a store over HTTP, for shoppers' browsers. Each route is deployed as a Lambda of its own."""

from shared.core.errors import TooManyRequests
from shared.core.functions import Api
from shared.core.passwords import PasswordRefused
from shared.core.principal import customer_of
from shared.core.request import Caller, SignedIn, StoreSession
from shared.core.typeids import CustomerSessionId
from shared.customers import sessions, signing_in
from shared.customers.codes import CodeRefused
from shared.customers.schemas import (
    AccountOut,
    CodeOut,
    EndedOut,
    Refresh,
    Register,
    RequestCode,
    SessionOut,
    SessionsOut,
    SignedInOut,
    SignIn,
    TokensOut,
)
from shared.customers.sessions import SessionEnded
from shared.customers.signing_in import AccountDisabled, SignInRefused

api = Api("customers", prefix="/api/v1/storefront", audience="storefront")

ANYBODY = "Whoever is not signed in yet has no other proof."
OWN = "A customer's sessions are their own."


@api.post(
    "/customers", status_code=202, public=ANYBODY, raises=(PasswordRefused, TooManyRequests), memory=1024
)  # MB: argon2 wants a whole core for a moment
def register_customer(wanted: Register, session: StoreSession) -> CodeOut:
    """Ask for an account: a code goes to the e-mail address or phone, and `POST /storefront/sessions` makes it.

    The answer is the same whether or not the contact has an account. If it has, the code signs in to that, and the name
    and password that are sent here are lost.
    """
    return CodeOut.of(signing_in.register(session, wanted))


@api.post("/sessions/codes", status_code=202, public=ANYBODY, raises=(TooManyRequests,))
def request_sign_in_code(wanted: RequestCode, session: StoreSession) -> CodeOut:
    """Have a code sent to an e-mail address or phone, to sign in with: six digits, ten minutes, five tries, one use.

    The answer is the same whether or not the contact has an account.
    """
    return CodeOut.of(signing_in.request_code(session, wanted))


@api.post(
    "/sessions",
    status_code=201,
    public=ANYBODY,
    raises=(CodeRefused, SignInRefused, AccountDisabled, TooManyRequests),
    memory=1024,  # MB; as above
)
def sign_in_customer(wanted: SignIn, session: StoreSession, caller: Caller) -> SignedInOut:
    """Sign in: with `code_id` and `code`, or with `email` or `phone` and `password`.

    A code for a contact without an account makes one. Sent with an access token, this is a fresh proof of who one is:
    the session that the token belongs to ends, and the new one may do for five minutes what is risky.
    """
    replacing = caller.session.id if caller and caller.session and customer_of(caller) else None
    if wanted.code_id is not None and wanted.code is not None:
        done = signing_in.by_code(session, wanted.code_id, wanted.code, replacing=replacing)
    else:
        done = signing_in.by_password(session, wanted.contact, wanted.password or "", replacing=replacing)
    tokens = TokensOut.of(done.tokens)
    return SignedInOut(**dict(tokens), is_new=done.is_new, account=AccountOut.of(done.customer))


@api.post("/sessions/refresh", public="The refresh token is the proof.", raises=(SessionEnded,))
def refresh_customer_session(wanted: Refresh, session: StoreSession) -> TokensOut:
    """Renew access by the refresh token of the last pair, which serves once.

    An answer that was lost may be asked for again for half a minute, and gives the same pair. A token that was used
    before that is in two hands: its session ends.
    """
    return TokensOut.of(sessions.refresh(session, wanted.refresh_token))


@api.get("/sessions", signed_in=OWN)
def list_customer_sessions(session: StoreSession, signed_in: SignedIn) -> SessionsOut:
    """List where you are signed in, the latest first."""
    alive = sessions.list_alive(session, signed_in.user_id)
    return SessionsOut(data=[SessionOut.of(one, is_current=one.id == signed_in.id) for one in alive])


@api.delete("/session", signed_in=OWN)
def sign_out_customer(session: StoreSession, signed_in: SignedIn) -> EndedOut:
    """Sign out: this session ends at once."""
    return EndedOut(ended=sessions.end(session, signed_in.user_id, signed_in.id))


@api.delete("/sessions", signed_in=OWN)
def sign_out_customer_everywhere(session: StoreSession, signed_in: SignedIn) -> EndedOut:
    """Sign out everywhere: all your sessions end at once, this one too."""
    return EndedOut(ended=sessions.end_some(session, signed_in.user_id, because="signed_out_everywhere"))


@api.delete("/sessions/{session_id}", signed_in=OWN)
def end_customer_session(session_id: CustomerSessionId, session: StoreSession, signed_in: SignedIn) -> EndedOut:
    """Sign one device out; one that has ended stays so."""
    return EndedOut(ended=sessions.end(session, signed_in.user_id, session_id))


handler = api.lambda_handler()
