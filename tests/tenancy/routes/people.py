"""Calls of people and their sessions; each by somebody of the call's own, since it may end what they are."""

from shared.core import ids
from shared.identity.models.people import LinkPurpose
from tests.client import Client
from tests.identity import factors, issuer, links
from tests.staff import Person, a_person
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import BY_ANYBODY, calls, simple
from tests.tenancy.world import World

_PASSWORD = "four green kettles"
_ANOTHER = "seven red lanterns"


def _somebody(world: World) -> Person:
    return a_person(f"Karim {world.word}", password=_PASSWORD)


def _email() -> str:
    return f"somebody-{ids.new_id().hex}@people.test"


simple("identity-get-session", lambda world: Call(by=world.at_work()))
simple("identity-list-sessions", lambda world: Call(by=world.at_work()))
simple("identity-sign-out", lambda world: Call(by=_somebody(world)))
simple("identity-end-other-sessions", lambda world: Call(by=_somebody(world)))
simple("identity-step-up", lambda world: Call(json={"password": _PASSWORD}, by=_somebody(world)))
simple(
    "identity-change-password",
    lambda world: Call(json={"current_password": _PASSWORD, "new_password": _ANOTHER}, by=_somebody(world)),
)
simple("identity-disable-person", lambda world: Call(path={"user_id": _somebody(world).user}, json={"because": "Left"}))
simple("identity-enable-person", lambda world: Call(path={"user_id": _somebody(world).user}, json={"because": "Back"}))


@calls("identity-end-session")
def one_of_ones_own(world: World) -> Call:
    """End another session of the same person."""
    somebody = _somebody(world)
    other = ids.encode("sess", somebody.at().session_id)
    return Call(path={"session_id": other}, by=somebody)


@calls("identity-enter-place")
def the_store_where_one_works(world: World) -> Call:
    """Enter the organization and its store."""
    place = {
        "organization_id": ids.encode("org", world.store.organization_id),
        "store_id": ids.encode("store", world.store.id),
    }
    return Call(json=place, by=world.at_work())


def _known(email: str) -> dict[str, str]:
    return {"email": email, "name": "Rahima", "password": _PASSWORD}


BY_ANYBODY["identity-sign-up"] = lambda: Call(json=_known(_email()))
BY_ANYBODY["identity-sign-in"] = lambda: Call(json={"email": a_person(password=_PASSWORD).email, "password": _PASSWORD})
BY_ANYBODY["identity-ask-for-password-reset"] = lambda: Call(json={"email": _email()})
BY_ANYBODY["identity-verify-email"] = lambda: Call(
    json={
        "token": links.of(a_person(password=_PASSWORD, is_verified=False).user_id, LinkPurpose.VERIFY_EMAIL),
        "password": _PASSWORD,
    }
)
BY_ANYBODY["identity-reset-password"] = lambda: Call(
    json={"token": links.of(a_person(password=_PASSWORD).user_id, LinkPurpose.RESET_PASSWORD), "password": _ANOTHER}
)


simple("identity-list-authenticators", lambda world: Call(by=_somebody(world)))
simple("identity-begin-authenticator", lambda world: Call(json={"name": f"Phone {world.word}"}, by=_somebody(world)))


@calls("identity-confirm-authenticator")
def an_app_of_ones_own(world: World) -> Call:
    """Confirm an app by what it shows."""
    somebody = _somebody(world)
    app, code = factors.waiting(somebody.user_id)
    return Call(path={"authenticator_id": app}, json={"code": code}, by=somebody)


@calls("identity-remove-authenticator")
def an_app_that_waits(world: World) -> Call:
    """Remove an app that was never confirmed."""
    somebody = _somebody(world)
    app, _ = factors.waiting(somebody.user_id)
    return Call(path={"authenticator_id": app}, by=somebody)


@calls("identity-renew-recovery-codes")
def of_who_has_a_second_factor(world: World) -> Call:
    """Make new recovery codes."""
    somebody = _somebody(world)
    factors.have(somebody.user_id)
    return Call(by=somebody)


def _half_signed_in() -> Call:
    person = a_person(password=_PASSWORD)
    code = factors.have(person.user_id)[0]
    return Call(json={"challenge": factors.challenge(person.user_id), "code": code})


BY_ANYBODY["identity-complete-sign-in"] = _half_signed_in


simple("identity-list-accounts", lambda world: Call(by=_somebody(world)))
simple("identity-begin-to-link", lambda world: Call(json=_at_issuer(), by=_somebody(world)))


@calls("identity-unlink-account")
def an_account_of_ones_own(world: World) -> Call:
    """Unlink an account of somebody who has a password, too."""
    somebody = _somebody(world)
    return Call(path={"account_id": factors.account(somebody.user_id)}, by=somebody)


def _at_issuer() -> dict[str, str]:
    issuer.running()
    return {"issuer": "local"}


def _back_from_issuer() -> Call:
    local = issuer.running()
    local.person = {"sub": ids.new_id().hex, "email": _email(), "email_verified": True}
    begun = Client().post("/session/issuer", json=_at_issuer())
    cookie = begun.cookies[0].partition(";")[0]
    return Call(json=local.come_back(begun.json()["authorization_url"]), headers={"Cookie": cookie})


BY_ANYBODY["identity-list-issuers"] = Call
BY_ANYBODY["identity-begin-at-issuer"] = lambda: Call(json=_at_issuer())
BY_ANYBODY["identity-complete-at-issuer"] = _back_from_issuer
