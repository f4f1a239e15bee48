"""People over HTTP, for platform operators. Each route is deployed as a Lambda of its own."""

from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.core.typeids import UserId
from shared.identity import disabling
from shared.identity.person_schemas import Because, DisabledOut

api = Api("identity", prefix="/api/v1/platform/people", audience="platform")


@api.post("/{user_id}/disable", permission="admin.superuser", tenant="none")
def disable_person(user_id: UserId, reason: Because, session: StoreSession) -> DisabledOut:
    """Shut a person out, from their next request on: all their sessions end, and no sign-in opens another."""
    return DisabledOut.of(disabling.disable(session, user_id, because=reason.because))


@api.post("/{user_id}/enable", permission="admin.superuser", tenant="none")
def enable_person(user_id: UserId, reason: Because, session: StoreSession) -> DisabledOut:
    """Let a person in again; they sign in anew."""
    return DisabledOut.of(disabling.enable(session, user_id, because=reason.because))


handler = api.lambda_handler()
