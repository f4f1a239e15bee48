"""An endpoint that does nothing, for nobody in particular: what is left is the way of every request."""

from shared.core.functions import Api
from shared.core.topology import Endpoint

api = Api("nothing", prefix="/api/v1/storefront/nothing", audience="storefront")


@api.get("", public="It tells nothing.", tenant="none")
def nothing() -> None:
    """Answer null."""


handler = api.lambda_handler()


def endpoint() -> Endpoint:
    """Return what the topology would say of it."""
    (declared,) = api.endpoints
    return Endpoint(
        name=declared.name,
        domain=declared.domain,
        audience=declared.audience,
        method=declared.method,
        path=declared.path,
        handler=f"{__name__}.handler",
        permission=declared.permission,
        public=declared.public,
        idempotent=declared.idempotent,
        memory=declared.memory,
        timeout=declared.timeout,
        uses=declared.uses,
    )
