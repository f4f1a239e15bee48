"""Stores over HTTP, for platform operators. Each route is deployed as a Lambda of its own."""

from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.identity import onboarding
from shared.identity.schemas import OnboardedOut
from shared.stores.opening import SlugTaken
from shared.stores.schemas import OpenStore

api = Api("stores", prefix="/api/v1/platform/stores", audience="platform")


@api.post("", status_code=201, permission="admin.superuser", tenant="none", raises=(SlugTaken,))
def open_store(store: OpenStore, session: StoreSession) -> OnboardedOut:
    """Open a store with its owner, a publishable key and a secret token.

    The secret token is in this answer and nowhere else; who loses it makes another.
    """
    return OnboardedOut.of(onboarding.onboard(session, store))


handler = api.lambda_handler()
