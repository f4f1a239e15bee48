"""The way of a request, once for every route: who, which store, permission, idempotency, transaction, answer.

The commit comes before the answer, and nobody else commits. A request that lost a deadlock or its connection is tried
again from its start, since nothing of it was kept. What a caller can cause is answered as a problem document; whatever
else goes wrong is a bug: logged once, answered 500 without a word about our insides, and nothing is kept of it.
"""

import json
import os
import random
import re
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, get_type_hints

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from shared.core import (
    answers,
    arrivals,
    audit,
    authentication,
    caching,
    context,
    cors,
    database,
    driver,
    edge,
    idempotency,
    ids,
    messages,
    outbox,
    prepared,
    queues,
    records,
    refusals,
    schemas,
    supplying,
    telemetry,
    tenancy,
)
from shared.core.declarations import EndpointDeclaration, Handler
from shared.core.errors import MethodNotAllowed, NotFound, Problem, Unavailable
from shared.core.request import Exchange, exchange
from shared.core.settings import settings

ATTEMPTS = 3

type Inner = Callable[[Request], Coroutine[Any, Any, Response]]

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")

_DECLARED = "__stormcom_endpoint__"
# Where FastAPI looks for what it is to close: after the function, after the answer, and at the very end.
_STACKS = ("fastapi_function_astack", "fastapi_inner_astack", "fastapi_middleware_astack")
# Serialization failure, deadlock, a statement that PostgreSQL knows no more by its name: it undid the transaction.
_RETRIED = {"40001", "40P01", *messages.FORGOTTEN}
# Beside those: a lock or statement time-out, a server that shuts down or starts.
_PASSING = _RETRIED | {"55P03", "57014", "57P01", "57P02", "57P03"}


class UnauditedChange(AssertionError):
    """A route that writes changed rows and left no audit entry. A bug."""


def lambda_handler(endpoints: Sequence[EndpointDeclaration]) -> Handler:
    """Build the application and return what Lambda calls: the one endpoint that this Lambda serves, or all of them."""
    served = settings().function
    endpoints = [one for one in endpoints if served is None or one.name == served]
    app = application(endpoints, documented=False)
    return arrivals.handler(app, {key: known for route in app.routes for key, known in at_once(route)})


def application(endpoints: Sequence[EndpointDeclaration], *, documented: bool = True) -> FastAPI:
    """Build a FastAPI application that serves these endpoints and no others; with all that the API's document tells."""
    app = FastAPI(title="StormCom", openapi_url=None, docs_url=None, redoc_url=None)
    app.router.route_class = StormRoute
    app.router.redirect_slashes = False
    app.add_exception_handler(HTTPException, _unrouted)
    for endpoint in endpoints:
        caching.refuse_personal(endpoint)
        hints = get_type_hints(endpoint.call)
        returns = hints.pop("return", None)
        told: dict[str, Any] = {"responses": answers.documented(endpoint)} if documented else {}
        if endpoint.produces:
            told["response_class"] = Response
        if prepared.is_prepared(returns):
            told["response_model"] = prepared.promised(returns) if documented else None
        if told.get("response_model", returns) is not None:
            schemas.build(returns)
        for hint in hints.values():
            schemas.build(hint)
        run = supplying.inline(endpoint, returns, documented=documented)
        setattr(run, _DECLARED, endpoint)
        app.add_api_route(
            endpoint.path,
            run,
            methods=[endpoint.method],
            status_code=endpoint.status_code,
            name=endpoint.name,
            summary=endpoint.call.__name__.replace("_", " ").capitalize(),
            operation_id=endpoint.name.replace("-", "_"),
            tags=[endpoint.domain],
            **told,
        )
    return app


class StormRoute(APIRoute):
    """A route whose every request goes the way that this module describes."""

    def get_route_handler(self) -> Inner:
        """Put our way around FastAPI's own handling of the route."""
        if (serve := _way_by_itself(self)) is not None:
            return serve
        return partial(_serve, getattr(self.endpoint, _DECLARED), super().get_route_handler())


def _way_by_itself(route: APIRoute) -> Inner | None:
    """Return the way of a route for which FastAPI has nothing to do; None for any other."""
    if not supplying.runs_by_itself(route.endpoint):
        return None
    return partial(_serve, getattr(route.endpoint, _DECLARED), lambda _: route.endpoint())


def at_once(route: BaseRoute) -> Iterator[tuple[str, arrivals.AtOnce]]:
    """Name the way of a route that waits for nothing as API Gateway names the route."""
    if isinstance(route, StormRoute) and not _waits(route.dependant):
        serve = _way_by_itself(route) or partial(_with_stack, route.get_route_handler())
        yield from ((f"{method} {route.path}", (route.path_regex, serve)) for method in route.methods or ())


def _waits(dependant: Dependant) -> bool:
    """Tell whether the endpoint depends on a plain function: FastAPI waits for a thread to call it."""
    calls = [sub.call for sub in dependant.dependencies]
    plain = any(not iscoroutinefunction(call) and not iscoroutinefunction(type(call).__call__) for call in calls)
    return plain or any(map(_waits, dependant.dependencies))


async def _with_stack(serve: Inner, request: Request) -> Response:
    """Serve a request within what FastAPI's own routing puts around it: what dependencies open is closed at the end."""
    async with AsyncExitStack() as stack:
        request.scope.update(dict.fromkeys(_STACKS, stack))
        return await serve(request)


async def _serve(endpoint: EndpointDeclaration, inner: Inner, request: Request) -> Response:
    started = time.perf_counter()
    with context.entered(_arrival(endpoint, request)), telemetry.traced(endpoint.name):
        response, store_id = await _answer(endpoint, inner, request)
        response.headers["X-Correlation-Id"] = context.current().correlation_id
        response.headers.setdefault("Cache-Control", "no-store")
        took = (time.perf_counter() - started) * 1000
        outcome = "failed" if response.status_code >= 500 else "answered"  # noqa: PLR2004 -- HTTP's own border
        telemetry.log_outcome(
            outcome,
            name=endpoint.name,
            milliseconds=took,
            status=response.status_code,
            store_id=store_id,
            replayed=response.headers.get("Idempotent-Replayed"),
        )
    return response


async def _answer(endpoint: EndpointDeclaration, inner: Inner, request: Request) -> tuple[Response, str | None]:
    """Walk the request's way; turn everything that can go wrong on it into an answer."""
    way = _Way(endpoint, inner, request)
    try:
        return await way.walk_until_through(), way.store_name()
    except Exception as error:  # noqa: BLE001 -- the one place where a bug becomes an answer
        problem = _problem(endpoint, error)
    refusals.note(endpoint, way.caller, problem)
    response = answers.render(problem, request)
    cors.allow(endpoint, request, response, allowed=way.origin_allowed)
    return response, way.store_name()


def _problem(endpoint: EndpointDeclaration, error: Exception) -> Problem:
    """Say what an error means to the caller. What they cannot have caused goes to the log, once."""
    match error:
        case Problem() if answers.is_declared(endpoint, error) or not settings().strict:
            return error
        case RequestValidationError():
            return answers.from_validation(error)
        case HTTPException():
            return answers.from_http_exception(error)
        case PoolTimeout():
            return _busy()
        case DBAPIError() if error.connection_invalidated or driver.sqlstate(error) in _PASSING:
            return _busy()
        case _:
            telemetry.logger().exception("request failed")
            return answers.internal()


class _Way:
    """One request on its way; `walk` may be tried again from the start."""

    def __init__(self, endpoint: EndpointDeclaration, inner: Inner, request: Request) -> None:
        self.endpoint = endpoint
        self.inner = inner
        self.request = request
        self.caller: authentication.Caller | None = None
        self.origin_allowed = False
        self.committing = False
        self.is_first = True  # time that it is walked

    def store_name(self) -> str | None:
        return str(self.caller.store_id) if self.caller and self.caller.store_id else None

    def may_retry(self, error: DBAPIError) -> bool:
        """Tell whether the attempt left nothing behind. A connection lost during the commit leaves that unknown."""
        return not self.committing if error.connection_invalidated else driver.sqlstate(error) in _RETRIED

    async def walk_until_through(self) -> Response:
        """Walk again what lost a deadlock or its connection, twice at most."""
        for attempt in range(1, ATTEMPTS):
            self.is_first = attempt == 1
            try:
                return await self.walk()
            except authentication.Outdated:
                continue  # it is forgotten, and asked for anew
            except DBAPIError as error:
                if driver.sqlstate(error) == idempotency.CLAIMED:
                    continue  # it is claimed anew, and replayed or refused
                if not self.may_retry(error):
                    raise
                # Jitter, so that two do not meet again. The loop is this request's own: nobody else waits for it.
                time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: ASYNC251, S311 -- see above; not for secrets
        self.is_first = False
        return await self.walk()

    async def walk(self) -> Response:
        edge.require_passage(self.request)
        answers.refuse_unreadable(self.request, await self.request.body())
        key = idempotency.normalized_key(self.request.headers.get("idempotency-key")) if self.endpoint.writes else None
        with database.open_session() as session:
            try:
                response, stores = await self._as_the_caller(session, key)
            except (Problem, RequestValidationError, HTTPException):
                tenancy.settle(session)  # a refusal, too, is for those alone whose credential holds
                raise
        outbox.kick(stores)
        queues.send_waiting(session)
        authentication.note_use(session, self.caller)
        cors.allow(self.endpoint, self.request, response, allowed=self.origin_allowed)
        return response

    async def _as_the_caller(self, session: Session, key: str | None) -> tuple[Response, frozenset[Any]]:
        if self.endpoint.tenant != "none" and not self.endpoint.writes:
            tenancy.only_read(session)
        self.caller, self.committing = None, False
        self.caller = authentication.authenticate(session, self.endpoint, self.request)
        if self.caller is not None:
            self.caller = authentication.place(self.endpoint, self.caller)
            authentication.authorize(self.endpoint, self.caller)
        if self.endpoint.idempotent and key is None:
            detail = "Send an Idempotency-Key: a new one for each new purpose, the same one for each retry."
            raise idempotency.IdempotencyKeyRequired(detail)
        scope = context.current()
        if self.caller:
            self.origin_allowed = self.caller.origin_allowed
            scope = replace(scope, principal=self.caller.principal, store_id=self.caller.store_id)
        with context.entered(scope):
            if scope.store_id is not None:
                tenancy.bind(session, scope.store_id)
            return await self._within(session, key)

    async def _within(self, session: Session, key: str | None) -> tuple[Response, frozenset[Any]]:
        claim = await self._claim(session, key)
        if claim is not None and claim.replay is not None:
            return answers.replayed(claim.replay), frozenset()
        present = Exchange(self.request, session, self.caller.principal if self.caller else None)
        token = exchange.set(present)
        try:
            response = await self._call(session, claim, present)
        finally:
            exchange.reset(token)
        unaudited = self.endpoint.writes and records.has_changes(session) and not audit.pending(session)
        if unaudited and response.status_code < 400:  # noqa: PLR2004 -- a refusal changed nothing
            message = f"{self.endpoint.name} changed rows without an audit entry."
            raise UnauditedChange(message)
        with context.entered(replace(context.current(), principal=present.principal)):
            stores = records.write(session)
        if self.endpoint.writes:
            authentication.tell_use(session, self.caller)
        if claim is not None:
            if tenancy.store_of(session) != claim.store_id:
                tenancy.bind(session, claim.store_id)
            idempotency.store_answer(session, claim, answers.kept(response))
        self.committing = True  # with the last statements: what is refused of them is told, and nothing committed
        session.commit()
        return response, stores

    async def _call(self, session: Session, claim: idempotency.Claim | None, present: Exchange) -> Response:
        start = records.mark(session, "business") if claim is not None else None
        try:
            response = await self.inner(self.request)
        except Problem as problem:
            if problem.is_recorded and answers.is_declared(self.endpoint, problem):
                return answers.render(problem, self.request)
            if start is None or claim is None or not answers.is_outcome(problem):
                raise
            # The refusal is the business's answer and is kept for the key; what led to it is undone.
            session.expunge_all()
            if not session.is_active:
                return await self._refuse_anew(session, claim, start, problem)
            records.undo(session, start)
            return answers.render(problem, self.request)
        for cookie in present.cookies:
            response.headers.append("set-cookie", cookie)
        if self.endpoint.cached is not None and present.kept:
            store_id = self.caller.store_id if self.caller else None
            caching.apply(self.endpoint.cached, self.request, response, tags=present.tags, store_id=store_id)
        return answers.versioned(self.request, response, present.etag)

    async def _refuse_anew(
        self, session: Session, claim: idempotency.Claim, start: records.Mark, problem: Problem
    ) -> Response:
        """Claim the key anew: a flush that failed (for a name that is taken) takes the whole transaction back."""
        session.rollback()
        records.forget_since(session, start)
        tenancy.bind(session, claim.store_id)
        again = await self._claim(session, claim.key)
        if again is not None and again.replay is not None:
            return answers.replayed(again.replay)  # the same request was carried out in between
        return answers.render(problem, self.request)

    async def _claim(self, session: Session, key: str | None) -> idempotency.Claim | None:
        if key is None or self.caller is None:
            return None
        store_id = self.caller.store_id or idempotency.PLATFORM_STORE
        if self.caller.store_id is None:
            tenancy.bind(session, store_id)
        url = self.request.url
        return idempotency.claim(
            session,
            store_id=store_id,
            caller=answers.caller_name(self.caller.principal, self.request),
            route=self.endpoint.name,
            key=key,
            request=b"\n".join((url.path.encode(), url.query.encode(), await self._canonical_body())),
            along=self.is_first,
        )

    async def _canonical_body(self) -> bytes:
        body = await self.request.body()
        try:
            return json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
        except (ValueError, RecursionError):  # no JSON, or nested deeper than anything that is meant
            return body


def _arrival(endpoint: EndpointDeclaration, request: Request) -> context.Context:
    given = request.headers.get("x-correlation-id") or _trace_id(request.headers.get("traceparent", ""))
    event = request.scope.get("aws.event") or {}
    facts = event.get("requestContext") or {}
    well_formed = 0 < len(given) <= 128 and given.isascii() and given.isprintable()  # noqa: PLR2004 -- room for any id
    return context.Context(
        correlation_id=given if well_formed else str(ids.new_id()),
        request_id=facts.get("requestId") or os.environ.get("_X_AMZN_TRACE_ID"),
        function=endpoint.name,
        ip=edge.viewer_address(request, (facts.get("http") or {}).get("sourceIp")),
        user_agent=(request.headers.get("user-agent") or "")[:256] or None,
    )


def _trace_id(traceparent: str) -> str:
    """Return the trace id of a W3C traceparent, which ties our log to the caller's trace; '' if it is none."""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else ""


def _busy() -> Unavailable:
    return Unavailable("Too much is going on at this moment; nothing was changed.", headers={"Retry-After": "1"})


async def _unrouted(request: Request, refused: Exception) -> Response:
    status = refused.status_code if isinstance(refused, HTTPException) else 404
    wrong_method = status == MethodNotAllowed.status
    if wrong_method:
        return answers.render(MethodNotAllowed("This route has another method."), request)
    return answers.render(NotFound("There is no such route."), request)
