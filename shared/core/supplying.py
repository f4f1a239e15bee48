"""How an endpoint gets its arguments: what the route class has at hand is handed over, the rest is FastAPI's.

FastAPI resolves, checks and documents every parameter and those of its dependencies, one by one, at each request: for a
list with a dozen documented filters that costs more than its SQL. So where an application is to serve and not to be
documented, FastAPI never sees the session, the caller, the list's query and the headers that we know: their
dependencies say with `supply` what they are for a given exchange. Nor does it see a part of the path that may be any
text, such as a slug.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args, get_type_hints

from shared.core import prepared
from shared.core.declarations import EndpointDeclaration
from shared.core.request import Exchange, exchange

type Supply = Callable[[Exchange], Any]

SUPPLY = "supply"  # the name of the method, or attribute, of a dependency that need not be FastAPI's
_BY_ITSELF = "__stormcom_runs_by_itself__"


def inline(endpoint: EndpointDeclaration, returns: object, *, documented: bool) -> Callable[..., Awaitable[Any]]:
    """Make the plain function one that FastAPI calls on the loop's own thread; `returns` is its annotation.

    A Lambda environment serves one request at a time, so a hop to another thread would buy nothing and cost 0.1 ms.
    """
    call = endpoint.call
    supplied = {} if documented else supplies(call, endpoint.path)
    left = _without(call, supplied)

    @functools.wraps(call)
    async def run(**named: Any) -> Any:  # noqa: ANN401 -- the wrapped endpoint's own types
        present = exchange.get()
        for name, supply in supplied.items():
            named[name] = supply(present)
        result = call(**named)
        version = getattr(result, "version", None)
        if version is not None:
            present.etag = f'"{version}"'
        if isinstance(result, prepared.Prepared):
            return prepared.respond(result, returns, status_code=endpoint.status_code)
        return result

    if supplied:
        run.__signature__ = left  # type: ignore[attr-defined]  # where `inspect` looks first
    if not left.parameters and prepared.is_prepared(returns):
        setattr(run, _BY_ITSELF, True)
    return run


def runs_by_itself(run: Callable[..., Awaitable[Any]]) -> bool:
    """Tell whether FastAPI has nothing to do for the function: no argument to find, and no answer to make."""
    return bool(getattr(run, _BY_ITSELF, False))


def supplies(call: Callable[..., Any], path: str = "") -> dict[str, Supply]:
    """Return the parameters that need no FastAPI, and where each of them comes from; `path` is the endpoint's."""
    found: dict[str, Supply] = {}
    for name, hint in get_type_hints(call, include_extras=True).items():
        if hint is str and f"{{{name}}}" in path:
            found[name] = functools.partial(_of_the_path, name)
        for fact in get_args(hint)[1:]:
            supply = getattr(getattr(fact, "dependency", None), SUPPLY, None)
            if supply is not None:
                found[name] = supply
    return found


def _of_the_path(name: str, present: Exchange) -> str:
    text: str = present.request.path_params[name]  # any text will do: there is nothing to check
    return text


def _without(call: Callable[..., Any], supplied: Mapping[str, Supply]) -> inspect.Signature:
    hints = get_type_hints(call, include_extras=True)
    known = inspect.signature(call).parameters.values()
    left = [one.replace(annotation=hints[one.name]) for one in known if one.name not in supplied]
    return inspect.Signature(left, return_annotation=hints.get("return", inspect.Signature.empty))
