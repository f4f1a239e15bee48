"""What shoppers are shown, over HTTP, for platform operators. Each route is deployed as a Lambda of its own."""

from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.core.typeids import StoreId
from shared.search import rebuilding
from shared.search.schemas import Rebuilding

api = Api("search", prefix="/api/v1/platform/stores", audience="platform")


@api.post("/{store_id}/search/rebuild", status_code=202, permission="admin.superuser", tenant="none")
def rebuild_storefront_of(store_id: StoreId, session: StoreSession) -> Rebuilding:
    """Make everything that a store's shoppers are shown of products anew, in the background.

    Once for a store from before its products were summarized, or when something looks wrong.
    """
    return rebuilding.request_of(session, store_id)


handler = api.lambda_handler()
