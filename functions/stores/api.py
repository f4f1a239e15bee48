"""The store itself over HTTP, for its merchant. Each route is deployed as a Lambda of its own."""

from shared.core.errors import StaleVersion
from shared.core.functions import Api
from shared.core.request import ExpectedVersion, StoreSession
from shared.stores import editing, queries
from shared.stores.schemas import EditStore, StoreOut

api = Api("stores", prefix="/api/v1/store", audience="merchant")


@api.get("", permission="settings.manage")
def get_store(session: StoreSession) -> StoreOut:
    """Read the store that the token belongs to."""
    return StoreOut.of(queries.get_store(session))


@api.patch("", permission="settings.manage", raises=(StaleVersion,))
def edit_store(edit: EditStore, session: StoreSession, expected_version: ExpectedVersion) -> StoreOut:
    """Change the store's name, language, time zone, allowed origins or settings; what is absent stays."""
    return StoreOut.of(editing.edit_store(session, edit, expected_version=expected_version))


handler = api.lambda_handler()
