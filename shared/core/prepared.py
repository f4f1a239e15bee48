"""Answers whose JSON PostgreSQL has made already: passed on as they are, and documented as what they are the JSON of.

A hot read returns text that was built where the rows lie; parsing it here to write it again would cost more than all
else that the request does. `def browse(...) -> Prepared[Page[Card]]` stands in the API's document as a `Page[Card]`.
Where tests run (`STORMCOM_STRICT`), every such body is read as what it says it is, and one that differs is a bug.
"""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from shared.core.settings import settings

MEDIA_TYPE = "application/json"


class MisfitBody(AssertionError):
    """A prepared body is not the JSON of what its endpoint promises. A bug."""


@dataclass(frozen=True, slots=True)
class Prepared[T]:
    """The JSON of a `T`, as text or UTF-8; `T` is for the document and the type checker alone.

    Select it as text (`cast(... as text)`): a value of type json is parsed by the driver. `version`, a number or the
    digest of the body, becomes the answer's ETag and lets a reader who has it already be answered 304. `location`: it
    is not here any more; who asks is sent there, for good.
    """

    body: str | bytes
    version: int | str | None = None
    location: str | None = None


def promised(hint: Any) -> Any:  # noqa: ANN401 -- any annotation
    """Return what an endpoint that returns `hint` answers with: `T` for `Prepared[T]`, all else as it is."""
    return get_args(hint)[0] if get_origin(hint) is Prepared else hint


def is_prepared(hint: Any) -> bool:  # noqa: ANN401 -- any annotation
    """Tell whether an endpoint that returns `hint` returns its JSON ready-made."""
    return get_origin(hint) is Prepared


def respond(prepared: Prepared[Any], hint: Any, *, status_code: int) -> Response:  # noqa: ANN401 -- any annotation
    """Make the answer of an endpoint that returns `hint`, a `Prepared[T]`; in tests, see first that it is a T's JSON.

    Raises:
        MisfitBody: it is not (in tests only).
    """
    if prepared.location is not None:
        return Response(status_code=HTTPStatus.MOVED_PERMANENTLY.value, headers={"Location": prepared.location})
    if settings().strict:
        _require_fit(prepared.body, promised(hint))
    return Response(prepared.body, status_code=status_code, media_type=MEDIA_TYPE)


def _require_fit(body: str | bytes, kind: Any) -> None:  # noqa: ANN401 -- any annotation
    try:
        _reader(kind).validate_json(body)
    except ValidationError as misfit:
        message = f"The body is not the JSON of {kind}: {misfit}"
        raise MisfitBody(message) from misfit


@lru_cache(maxsize=64)
def _reader(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 -- any annotation
    return TypeAdapter(kind)
