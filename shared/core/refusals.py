"""Refusals leave a trace: who asked for what they may not have is written to the audit log, though nothing was changed.

A wrong credential, a permission that is missing, a cookie sent by another site's page, a code or link that was used,
too many tries, a field that nobody may set, and, for who works behind the counter, an id that is not there: each leaves
an entry `access.refused` with the route and the problem's code, in the log of the store, organization or person whose
credential it was; what nobody's credential asked for is written to the platform's own. An entry holds nothing of the
request's content.

One entry a minute for the same caller, route and code, and some dozens a minute in all from one process: an attacker
can make us write no more than that. Every refusal stands in the log line of its request.
"""

import threading
from contextlib import suppress
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from shared.core import audit, clock, context, database
from shared.core.authentication import Caller
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import NotFound, Problem
from shared.core.idempotency import PLATFORM_STORE
from shared.core.schemas import UNKNOWN_FIELD

ACTION = "access.refused"
MOST = 60  # entries a minute, of a process

type _Asked = tuple[UUID, str | None, str, str]  # the tenant, who, of which route, refused by which code

_lock = threading.Lock()
_minute = 0
_noted: set[_Asked] = set()


def note(endpoint: EndpointDeclaration, caller: Caller | None, problem: Problem) -> None:
    """Write down that `caller` was refused, in a transaction of its own, unless that was written this minute.

    Whether it could be written changes nothing for the caller, who is answered all the same.
    """
    guarded = isinstance(problem, NotFound) and endpoint.audience != "storefront" and caller is not None
    if not is_told(problem) and not guarded:
        return
    principal = caller.principal if caller else None
    tenant_id = _tenant(caller)
    who = principal.id if principal else context.current().ip
    if not _is_news((tenant_id, who, endpoint.name, _code(problem))):
        return
    with suppress(DBAPIError, PoolTimeout), database.transaction(tenant_id, principal=principal) as session:
        record(session, problem)


def is_told(problem: Problem) -> bool:
    """Tell whether a refusal is written down whoever met it."""
    return problem.is_noted or _code(problem) == UNKNOWN_FIELD


def record(session: Session, problem: Problem) -> None:
    """Write down, in this transaction, that the present route refused so: for a refusal that is part of an answer."""
    route = str(context.current().function)
    audit.record(
        session,
        action=ACTION,
        entity="route",
        entity_id=uuid5(NAMESPACE_URL, route),
        after={"route": route, "code": _code(problem), "status": problem.status},
        severity="notice",
    )


def forget() -> None:
    """Forget what was written this minute: for tests, whose minutes are long."""
    with _lock:
        _noted.clear()


def _code(problem: Problem) -> str:
    return UNKNOWN_FIELD if any(error.code == UNKNOWN_FIELD for error in problem.errors) else problem.code


def _tenant(caller: Caller | None) -> UUID:
    if caller is None:
        return PLATFORM_STORE
    signed_in = caller.principal.session
    return caller.store_id or (signed_in.user_id if signed_in else PLATFORM_STORE)


def _is_news(asked: _Asked) -> bool:
    global _minute  # noqa: PLW0603 -- one minute a process
    with _lock:
        present = int(clock.now().timestamp()) // 60
        if present != _minute:
            _minute = present
            _noted.clear()
        if asked in _noted or len(_noted) >= MOST:
            return False
        _noted.add(asked)
        return True
