"""Accounts at other issuers over HTTP: signed in by, linked, unlinked. Each route is a Lambda of its own."""

from shared.core import browsers
from shared.core.errors import NotFound, TooManyRequests
from shared.core.functions import Api
from shared.core.principal import Principal
from shared.core.request import SignedIn, StoreSession, act_as, present_cookie, set_cookie
from shared.core.typeids import AccountId
from shared.identity import issuers, oidc
from shared.identity.account_schemas import (
    AccountOut,
    AccountsOut,
    AtIssuer,
    AuthorizationOut,
    FromIssuer,
    IssuersOut,
)
from shared.identity.issuers import IssuerUnreachable
from shared.identity.oidc import AccountTaken, AccountUnknown, IssuerRefused, LastWayIn
from shared.identity.person_schemas import EntryOut
from shared.identity.sessions import Opened
from shared.identity.signing_in import EmailUnverified

_NOBODY_YET = "who signs in has no session yet"
_OWN = "an account is its person's own"

api = Api("identity", prefix="/api/v1", audience="merchant")


@api.get("/session/issuers", public=_NOBODY_YET, tenant="none", uses=("issuers",))
def list_issuers() -> IssuersOut:
    """List the issuers whose accounts let people in."""
    return IssuersOut(data=issuers.names())


@api.post(
    "/session/issuer",
    public=_NOBODY_YET,
    tenant="none",
    raises=(NotFound, IssuerUnreachable),
    uses=("internet", "issuers"),
)
def begin_at_issuer(where: AtIssuer) -> AuthorizationOut:
    """Begin to sign in by an account at another issuer: send the browser to `authorization_url`.

    It comes back to `/sign-in/issuer` with `code` and `state`; complete the sign-in with both.
    """
    begun = oidc.begin(where.issuer)
    set_cookie(browsers.issuer_cookie(begun.flow, seconds=oidc.LASTS_SECONDS))
    return AuthorizationOut(authorization_url=begun.authorization_url)


@api.post(
    "/session/issuer/completion",
    public=_NOBODY_YET,
    tenant="none",
    raises=(IssuerRefused, IssuerUnreachable, AccountUnknown, AccountTaken, EmailUnverified, TooManyRequests),
    uses=("internet", "issuers"),
)
def complete_at_issuer(response: FromIssuer, session: StoreSession) -> EntryOut:
    """Complete a sign-in, or the linking of an account, by what the issuer sent the browser back with.

    Whoever has no account here gets one, if the issuer vouches for their address. With a second factor set up, the
    answer is a challenge, as at POST /session.
    """
    act_as(Principal(kind="guest", id=""))
    entry = oidc.complete(
        session,
        flow=present_cookie(browsers.ISSUER_COOKIE),
        state=response.state,
        code=response.code,
        told_issuer=response.iss,
        replaced=present_cookie(),
    )
    set_cookie(browsers.issuer_cookie("", seconds=0))
    if isinstance(entry, Opened):
        act_as(Principal(kind="staff", id=str(entry.session.user_id)))
        set_cookie(entry.cookie())
    return EntryOut.of(entry)


@api.get("/accounts", signed_in=_OWN, tenant="person")
def list_accounts(session: StoreSession) -> AccountsOut:
    """List your accounts at other issuers."""
    return AccountsOut(data=[AccountOut.of(account) for account in oidc.list_accounts(session)])


@api.post(
    "/accounts",
    signed_in=_OWN,
    tenant="none",
    step_up=True,
    raises=(NotFound, IssuerUnreachable),
    uses=("internet", "issuers"),
)
def begin_to_link(where: AtIssuer, signed_in: SignedIn) -> AuthorizationOut:
    """Begin to link an account at another issuer: send the browser there, and complete it as a sign-in."""
    begun = oidc.begin(where.issuer, link_to=signed_in.user_id)
    set_cookie(browsers.issuer_cookie(begun.flow, seconds=oidc.LASTS_SECONDS))
    return AuthorizationOut(authorization_url=begun.authorization_url)


@api.delete("/accounts/{account_id}", signed_in=_OWN, tenant="person", step_up=True, raises=(LastWayIn,))
def unlink_account(account_id: AccountId, session: StoreSession) -> AccountsOut:
    """Unlink an account; it does not let you in any more. The last way in stays."""
    oidc.unlink(session, account_id)
    return AccountsOut(data=[AccountOut.of(account) for account in oidc.list_accounts(session)])


handler = api.lambda_handler()
