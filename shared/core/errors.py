"""Problems: what a caller can cause and understand, and their document on the wire (RFC 9457).

A problem is declared beside its capability, as a subclass of `Problem` with a status and a stable code, and listed in
the `raises=` of the endpoints that answer with it. Every other exception is a bug: it flies, once, to the log, and the
caller learns only that it was ours, and the correlation id.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

ProblemKind = Literal["user", "system"]

MEDIA_TYPE = "application/problem+json"

_CODE_FORM = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_STATUSES = range(400, 600)
_MEMBERS = frozenset(
    {"type", "title", "status", "detail", "instance", "code", "kind", "retryable", "errors", "correlation_id"},
)


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field.

    `pointer` is a JSON pointer (RFC 6901), made by `errors.pointer`; `code` is stable; `message` is for people.
    """

    pointer: str
    code: str
    message: str


class Problem(Exception):
    """Something that a caller can understand: status, stable code, and one sentence that says what to do.

    `detail` is read by strangers: nothing internal, no personal data. `errors` point at fields, `headers` go with the
    answer, `extra` are further members of the document, such as the numbers behind the sentence.
    `kind` says whose move it is: the user's, or ours. `retryable`: the same request may succeed later, unchanged.
    `is_recorded`: what was written until it was raised stays, so that a refusal leaves an audit entry; its capability
    has then written nothing else that it would not answer for. `is_noted`: who was refused so is written down by the
    route class itself; see `refusals`.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[ProblemKind] = "user"
    retryable: ClassVar[bool] = False
    is_recorded: ClassVar[bool] = False
    is_noted: ClassVar[bool] = False

    def __init_subclass__(cls, **facts: Any) -> None:  # noqa: ANN401 -- whatever other bases take
        """Refuse a declaration that no client could rely on; a title that is not given is read off the code."""
        super().__init_subclass__(**facts)
        code, status = getattr(cls, "code", ""), getattr(cls, "status", 0)
        if _CODE_FORM.fullmatch(code) is None or status not in _STATUSES:
            message = f"{cls.__name__} needs a snake_case code and a status from 400 to 599."
            raise TypeError(message)
        if "title" not in cls.__dict__ and "code" in cls.__dict__:
            cls.title = code.replace("_", " ").capitalize()

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,  # noqa: ANN401 -- any JSON value
    ) -> None:
        """See the class."""
        super().__init__(detail)
        if clash := _MEMBERS & extra.keys():
            message = f"{', '.join(sorted(clash))} already mean something in a problem document."
            raise TypeError(message)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra


class MalformedRequest(Problem):
    """The request cannot be read: broken JSON, an impossible header."""

    status = 400
    code = "malformed_request"
    title = "Malformed request"


class Unauthenticated(Problem):
    """There is no credential, or none that is valid."""

    status = 401
    code = "unauthenticated"
    title = "Not authenticated"
    is_noted = True


class Forbidden(Problem):
    """The credential is valid and does not allow this."""

    status = 403
    code = "forbidden"
    title = "Not allowed"
    is_noted = True


class StepUpRequired(Problem):
    """Whoever does this must have proven in the last minutes that it is them: by `POST /session/step-up`."""

    status = 403
    code = "step_up_required"
    title = "Prove that it is you"
    is_noted = True


class NotFound(Problem):
    """There is no such thing in this store; another store's things are not there either."""

    status = 404
    code = "not_found"
    title = "Not found"


class MethodNotAllowed(Problem):
    """There is something at this address, and it has other methods."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"


class Conflict(Problem):
    """The thing is in a state in which this cannot be done."""

    status = 409
    code = "conflict"
    title = "Conflict"


class StaleVersion(Problem):
    """The edit is based on a version that is no longer the current one."""

    status = 412
    code = "stale_version"
    title = "Changed by someone else"

    def __init__(self, current: int) -> None:
        """Tell the current version, in the document and as its ETag."""
        detail = f"This was changed in the meantime; read version {current} and edit that."
        super().__init__(detail, headers={"ETag": f'"{current}"'}, current_version=current)


class ValidationFailed(Problem):
    """The request can be read, and its fields cannot be right; `errors` says which."""

    status = 422
    code = "validation_failed"
    title = "Invalid fields"


class TooManyRequests(Problem):
    """This was asked for too often; Retry-After says in how many seconds it may be asked for again."""

    status = 429
    code = "too_many_requests"
    title = "Too often"
    is_noted = True
    retryable = True


class Unavailable(Problem):
    """Something that we need does not answer; the same request may succeed in a moment."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    kind = "system"
    retryable = True


def pointer(*steps: str | int) -> str:
    """Write a JSON pointer: `pointer("lines", 0, "sku")` is "/lines/0/sku". Parameters: `pointer("query", "limit")`."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def type_uri(problem: Problem | type[Problem]) -> str:
    """Return the stable URI of a kind of problem, relative to the host that answers."""
    return f"/api/v1/problems/{problem.code}"


def document(problem: Problem, correlation_id: str, instance: str | None = None) -> dict[str, Any]:
    """Return the body of `application/problem+json`; `instance` is the path that was asked for."""
    return {
        "type": type_uri(problem),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        **({"instance": instance} if instance is not None else {}),
        "code": problem.code,
        "kind": problem.kind,
        "retryable": problem.retryable,
        "errors": [asdict(error) for error in problem.errors],
        "correlation_id": correlation_id,
        **problem.extra,
    }
