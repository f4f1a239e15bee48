"""Sessions over HTTP: in and out, where one is, and the proof that it is still oneself. Each route is a Lambda."""

from shared.core import browsers
from shared.core.errors import NotFound, TooManyRequests
from shared.core.functions import Api
from shared.core.principal import Principal
from shared.core.request import SignedIn, Staff, StoreSession, act_as, present_cookie, set_cookie
from shared.core.typeids import SessionId
from shared.identity import people, places, proving, second_factor, sessions, signing_in
from shared.identity.person_schemas import (
    EndedOut,
    EntryOut,
    PlaceIn,
    SessionOut,
    SessionsOut,
    SignedInOut,
    SignIn,
    StepUp,
)
from shared.identity.places import Place
from shared.identity.proving import SecondFactorNeeded, WrongPassword
from shared.identity.second_factor import WrongCode
from shared.identity.sessions import Opened
from shared.identity.signing_in import EmailUnverified, SignInRefused

api = Api("identity", prefix="/api/v1", audience="merchant")


@api.post(
    "/session",
    public="who signs in has no session yet",
    tenant="none",
    raises=(SignInRefused, EmailUnverified, TooManyRequests),
)
def sign_in(who: SignIn, session: StoreSession) -> EntryOut:
    """Sign in. The session is in the cookie `__Host-stormcom`; it ends after 24 hours, or 12 without a request.

    With a second factor set up, the answer is a challenge: complete it with POST /session/second-factor. An unknown
    address and a wrong password get the same answer.
    """
    act_as(Principal(kind="guest", id=""))
    entry = signing_in.sign_in(session, email=who.email, password=who.password, replaced=present_cookie())
    if isinstance(entry, Opened):
        act_as(Principal(kind="staff", id=str(entry.session.user_id)))
        set_cookie(entry.cookie())
    return EntryOut.of(entry)


@api.get("/session", signed_in="everybody may know who they are", tenant="person")
def get_session(session: StoreSession, caller: Staff) -> SignedInOut:
    """Read who you are, which organization and store you are in, and what you may do there."""
    return SignedInOut.of(people.get(session), caller)


@api.delete("/session", signed_in="everybody may leave", tenant="person")
def sign_out(session: StoreSession, signed_in: SignedIn) -> EndedOut:
    """Sign out of this browser."""
    ended = sessions.end(session, signed_in.id, because="signed_out")
    set_cookie(browsers.no_session_cookie())
    return EndedOut(ended=ended)


@api.put("/session/place", signed_in="where one may be, the membership says", tenant="person", raises=(NotFound,))
def enter_place(place: PlaceIn, session: StoreSession, signed_in: SignedIn) -> SessionOut:
    """Enter an organization that you work for and a store of it, or leave. The session gets another cookie."""
    entered = places.enter(session, signed_in, Place(place.organization_id, place.store_id))
    set_cookie(entered.cookie())
    return SessionOut.of(entered.session, present=entered.session.id)


@api.post(
    "/session/step-up",
    signed_in="everybody may prove who they are",
    tenant="person",
    raises=(WrongPassword, WrongCode, SecondFactorNeeded, TooManyRequests),
)
def step_up(proof: StepUp, session: StoreSession, signed_in: SignedIn) -> SessionOut:
    """Prove that it is you, which what is risky asks for: it serves for five minutes. The session gets another cookie.

    Who has a second factor proves by that, and not by the password.
    """
    if proof.code is not None:
        proven = second_factor.step_up(session, signed_in, code=proof.code)
    else:
        proven = proving.step_up(session, signed_in, password=proof.password or "")
    set_cookie(proven.cookie())
    return SessionOut.of(proven.session, present=proven.session.id)


@api.get("/sessions", signed_in="everybody may see where they are signed in", tenant="person")
def list_sessions(session: StoreSession, signed_in: SignedIn) -> SessionsOut:
    """List where you are signed in, the latest sign-in first; the 100 latest."""
    found = sessions.list_sessions(session)
    return SessionsOut(data=[SessionOut.of(one, present=signed_in.id) for one in found])


@api.delete("/sessions", signed_in="everybody may sign out everywhere", tenant="person", step_up=True)
def end_other_sessions(session: StoreSession, signed_in: SignedIn) -> EndedOut:
    """Sign out of every other browser.

    Prove first that it is you: whoever merely has your session must not shut you out with it.
    """
    return EndedOut(ended=sessions.end_all(session, because="ended_elsewhere", but=signed_in.id))


@api.delete("/sessions/{session_id}", signed_in="a session is its person's own", tenant="person", step_up=True)
def end_session(session_id: SessionId, session: StoreSession) -> EndedOut:
    """Sign out of one browser, from its next request on."""
    return EndedOut(ended=sessions.end(session, session_id, because="ended_elsewhere"))


handler = api.lambda_handler()
