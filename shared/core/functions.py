"""The decorators by which a function declares its trigger, size and grants, beside the code that it runs.

Three kinds: endpoints of an `Api`, queue consumers, schedules. Declarations are inert: they make no client, read no
environment and build no application.
"""

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from shared.core.consumers import Message, consumer, consumer_in_steps
from shared.core.declarations import (
    API_TIMEOUT,
    DEFAULT_MEMORY,
    Audience,
    BadDeclaration,
    Cached,
    EndpointDeclaration,
    Handler,
    Method,
    Tenant,
)
from shared.core.errors import Problem
from shared.core.permissions import PERMISSIONS
from shared.core.schedules import schedule

__all__ = ["Api", "Cached", "Message", "consumer", "consumer_in_steps", "schedule"]


@dataclass
class Api:
    """The endpoints of one domain for one audience. Each is deployed as a Lambda of its own.

    `audience` decides the credential and the HTTP API: merchant (secret token, or a member of staff's session),
    storefront (publishable key, and a customer's token), platform (operator's token).
    """

    domain: str
    prefix: str
    audience: Audience
    endpoints: list[EndpointDeclaration] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what no gateway would know."""
        if self.audience not in get_args(Audience):
            message = f"{self.domain}: the audience is one of {get_args(Audience)}, not {self.audience!r}."
            raise BadDeclaration(message)

    def route[F: Callable[..., Any]](  # noqa: PLR0913 -- each is a fact that a deployment needs, by keyword
        self,
        method: Method,
        path: str,
        *,
        permission: str | None = None,
        public: str | None = None,
        signed_in: str | None = None,
        tenant: Tenant = "store",
        idempotent: bool = False,
        status_code: int = 200,
        raises: Sequence[type[Problem]] = (),
        memory: int = DEFAULT_MEMORY,
        timeout: int = API_TIMEOUT,
        uses: Sequence[str] = (),
        produces: Sequence[str] = (),
        cached: Cached | None = None,
        moved: str | None = None,
        step_up: bool = False,
    ) -> Callable[[F], F]:
        """Declare an endpoint: who may call it, and what it needs.

        Who: `permission`; or `signed_in` with the reason why any member of staff (in a storefront: any customer of the
        store) may who has signed in; or `public` with the reason why everybody may.

        `idempotent`: the request must carry an Idempotency-Key (every write may). `raises`: the problems that are the
        business's answers; any other is a bug. `tenant`: whose rows it works on, the
        session is bound to them. `step_up`: a member of staff must have proven in the last minutes who they are.
        `produces`: the media types of what it answers, where that is no JSON. `cached`: how long its answers may be
        kept by the edge and by browsers; see `caching` for what an answer may then depend on. `moved`: when it answers
        301, for the document.
        """
        if [permission, signed_in, public].count(None) != 2:  # noqa: PLR2004 -- one of the three is said
            message = f"{method} {self.prefix}{path}: say permission=..., signed_in='why' or public='why', one of them."
            raise BadDeclaration(message)
        if permission is not None and permission not in PERMISSIONS:
            message = f"{method} {self.prefix}{path}: there is no permission {permission!r}."
            raise BadDeclaration(message)
        if cached is not None and (public is None or method != "GET"):
            message = f"{method} {self.prefix}{path}: only a public GET may be cached."
            raise BadDeclaration(message)

        def declare(call: F) -> F:
            if inspect.iscoroutinefunction(call):
                message = f"{call.__name__}: endpoints are plain functions; a Lambda serves one request at a time."
                raise BadDeclaration(message)
            self.endpoints.append(
                EndpointDeclaration(
                    domain=self.domain,
                    audience=self.audience,
                    method=method,
                    path=self.prefix + path,
                    call=call,
                    permission=permission,
                    public=public,
                    signed_in=signed_in,
                    tenant=tenant,
                    idempotent=idempotent,
                    status_code=status_code,
                    raises=tuple(raises),
                    memory=memory,
                    timeout=timeout,
                    uses=tuple(uses),
                    produces=tuple(produces),
                    cached=cached,
                    moved=moved,
                    step_up=step_up,
                ),
            )
            return call

        return declare

    def get[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare a read; see `route`."""
        return self.route("GET", path, **facts)

    def post[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare a creation or an action; see `route`."""
        return self.route("POST", path, **facts)

    def put[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare a replacement; see `route`."""
        return self.route("PUT", path, **facts)

    def patch[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare an edit; see `route`."""
        return self.route("PATCH", path, **facts)

    def delete[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare a deletion; see `route`."""
        return self.route("DELETE", path, **facts)

    def options[F: Callable[..., Any]](self, path: str, **facts: Any) -> Callable[[F], F]:  # noqa: ANN401 -- see `route`
        """Declare the answer to browsers' preflight requests; see `route`."""
        return self.route("OPTIONS", path, **facts)

    def lambda_handler(self) -> Handler:
        """Return what Lambda calls. The application is built at the first call, with the routes that it serves alone.

        `STORMCOM_FUNCTION` names the one endpoint that this Lambda serves; without it, all of this Api's.
        """
        return _LazyHandler(self)


class _LazyHandler:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._serve: Handler | None = None
        self._building = threading.Lock()

    def __call__(self, event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 -- AWS's own shapes
        serve = self._serve or self._build()
        return serve(event, context)

    def _build(self) -> Handler:
        from shared.core import http  # noqa: PLC0415 -- FastAPI is built where it serves, not where it is declared

        with self._building:  # locally, two first requests may come at once
            if self._serve is None:
                self._serve = http.lambda_handler(self._api.endpoints)
            return self._serve
