"""People over HTTP: signing up, and passwords. Each route is deployed as a Lambda of its own."""

from shared.core.errors import TooManyRequests
from shared.core.functions import Api
from shared.core.passwords import PasswordRefused
from shared.core.principal import Principal
from shared.core.request import SignedIn, StoreSession, act_as, present_cookie, set_cookie
from shared.identity import password_change, signing_up
from shared.identity.mailed_links import LinkRefused
from shared.identity.person_schemas import (
    AskForReset,
    ChangePassword,
    EndedOut,
    EntryOut,
    OnItsWay,
    ResetPassword,
    SessionOut,
    SignUp,
    VerifyEmail,
)
from shared.identity.proving import WrongPassword
from shared.identity.sessions import Opened

api = Api("identity", prefix="/api/v1", audience="merchant")

_GUEST = Principal(kind="guest", id="")


@api.post(
    "/signup",
    status_code=202,
    public="whoever wants to open a store has no credential yet",
    tenant="none",
    raises=(PasswordRefused, TooManyRequests),
)
def sign_up(person: SignUp, session: StoreSession) -> OnItsWay:
    """Sign up with an address; a mail with a link is on its way to it, good for 24 hours.

    The answer is the same for an address that has an account: whoever has it is written to, and you learn nothing.
    Passwords have 8 to 128 characters of any kind (15 are better); common ones and those made of your own name are
    refused.
    """
    act_as(_GUEST)
    signing_up.sign_up(session, email=person.email, name=person.name, password=person.password, locale=person.locale)
    return OnItsWay(email=person.email)


@api.post(
    "/signup/verification",
    public="who follows a mailed link has no session yet",
    tenant="none",
    raises=(LinkRefused, WrongPassword, TooManyRequests),
)
def verify_email(proof: VerifyEmail, session: StoreSession) -> EntryOut:
    """Confirm your address by the mailed link and the password that you chose, and be signed in.

    The link alone opens nothing, so nobody can have you confirm an account of theirs.
    """
    act_as(_GUEST)
    entry = signing_up.verify(session, token=proof.token, password=proof.password, replaced=present_cookie())
    if isinstance(entry, Opened):
        act_as(Principal(kind="staff", id=str(entry.session.user_id)))
        set_cookie(entry.cookie())
    return EntryOut.of(entry)


@api.post(
    "/password-reset",
    status_code=202,
    public="who has forgotten their password has no session",
    tenant="none",
    raises=(TooManyRequests,),
)
def ask_for_password_reset(wish: AskForReset, session: StoreSession) -> OnItsWay:
    """Have a link mailed by which you set a new password: good for an hour, and for one use.

    The answer is the same for an address that has no account.
    """
    act_as(_GUEST)
    password_change.ask_for_link(session, email=wish.email)
    return OnItsWay(email=wish.email)


@api.post(
    "/password-reset/confirmation",
    public="who has forgotten their password has no session",
    tenant="none",
    raises=(LinkRefused, PasswordRefused, TooManyRequests),
)
def reset_password(wanted: ResetPassword, session: StoreSession) -> EndedOut:
    """Set a new password by the mailed link. Every session of yours ends; then sign in with it."""
    act_as(_GUEST)
    done = password_change.reset(session, token=wanted.token, password=wanted.password)
    act_as(Principal(kind="staff", id=str(done.user_id)))
    return EndedOut(ended=done.ended)


@api.put(
    "/password",
    signed_in="a password is its person's own",
    tenant="person",
    raises=(WrongPassword, PasswordRefused, TooManyRequests),
)
def change_password(wanted: ChangePassword, session: StoreSession, signed_in: SignedIn) -> SessionOut:
    """Replace your password; none of the last five will do. Every other session of yours ends."""
    opened = password_change.change(session, signed_in, current=wanted.current_password, new=wanted.new_password)
    set_cookie(opened.cookie())
    return SessionOut.of(opened.session, present=opened.session.id)


handler = api.lambda_handler()
