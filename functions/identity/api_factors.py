"""Second factors over HTTP: set up, used, taken away. Each route is deployed as a Lambda of its own."""

from shared.core.errors import TooManyRequests
from shared.core.functions import Api
from shared.core.principal import Principal
from shared.core.request import SignedIn, StoreSession, act_as, present_cookie, set_cookie
from shared.core.typeids import AuthenticatorId
from shared.identity import authenticators, recovery_codes, second_factor
from shared.identity.authenticators import TooManyAuthenticators
from shared.identity.challenges import ChallengeRefused
from shared.identity.factor_schemas import (
    AuthenticatorOut,
    AuthenticatorsOut,
    BeginAuthenticator,
    BegunOut,
    CompleteSignIn,
    ConfirmAuthenticator,
    ConfirmedOut,
    RecoveryCodesOut,
)
from shared.identity.person_schemas import SessionOut
from shared.identity.second_factor import WrongCode
from shared.identity.signing_in import SignInRefused

_OWN = "a second factor is its person's own"

api = Api("identity", prefix="/api/v1", audience="merchant")


@api.post(
    "/session/second-factor",
    public="who signs in has no session yet",
    tenant="none",
    raises=(ChallengeRefused, WrongCode, SignInRefused, TooManyRequests),
)
def complete_sign_in(proof: CompleteSignIn, session: StoreSession) -> SessionOut:
    """Complete a sign-in whose password was right, by a code of your authenticator app or a recovery code."""
    act_as(Principal(kind="guest", id=""))
    opened = second_factor.complete_sign_in(
        session, challenge=proof.challenge, code=proof.code, replaced=present_cookie()
    )
    act_as(Principal(kind="staff", id=str(opened.session.user_id)))
    set_cookie(opened.cookie())
    return SessionOut.of(opened.session, present=opened.session.id)


@api.get("/authenticators", signed_in=_OWN, tenant="person")
def list_authenticators(session: StoreSession) -> AuthenticatorsOut:
    """List your authenticator apps, and how many recovery codes you have left."""
    apps = [AuthenticatorOut.of(app) for app in authenticators.list_authenticators(session)]
    return AuthenticatorsOut(data=apps, recovery_codes_left=recovery_codes.left(session))


@api.post(
    "/authenticators", status_code=201, signed_in=_OWN, tenant="person", step_up=True, raises=(TooManyAuthenticators,)
)
def begin_authenticator(wanted: BeginAuthenticator, session: StoreSession) -> BegunOut:
    """Begin to set an authenticator app up: scan the QR code with it, then confirm with the code that it shows."""
    return BegunOut.of(authenticators.begin(session, name=wanted.name))


@api.post(
    "/authenticators/{authenticator_id}/confirmation",
    signed_in=_OWN,
    tenant="person",
    step_up=True,
    raises=(WrongCode, TooManyRequests),
)
def confirm_authenticator(
    authenticator_id: AuthenticatorId, proof: ConfirmAuthenticator, session: StoreSession, signed_in: SignedIn
) -> ConfirmedOut:
    """Confirm an app by the code that it shows. From then on a sign-in asks for it; your other sessions end."""
    confirmed = authenticators.confirm(session, signed_in, authenticator_id, code=proof.code)
    set_cookie(confirmed.opened.cookie())
    return ConfirmedOut.of(confirmed)


@api.delete("/authenticators/{authenticator_id}", signed_in=_OWN, tenant="person", step_up=True)
def remove_authenticator(authenticator_id: AuthenticatorId, session: StoreSession, signed_in: SignedIn) -> SessionOut:
    """Remove an app; your other sessions end. With the last one goes your second factor, and the recovery codes."""
    opened = authenticators.remove(session, signed_in, authenticator_id)
    set_cookie(opened.cookie())
    return SessionOut.of(opened.session, present=opened.session.id)


@api.post("/recovery-codes", status_code=201, signed_in=_OWN, tenant="person", step_up=True)
def renew_recovery_codes(session: StoreSession, signed_in: SignedIn) -> RecoveryCodesOut:
    """Make ten new recovery codes; earlier ones are worth nothing any more."""
    return RecoveryCodesOut(recovery_codes=authenticators.renew_recovery_codes(session, signed_in.user_id))


handler = api.lambda_handler()
