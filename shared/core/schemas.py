"""What every body that comes in or goes out is made of."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict

from shared.core.errors import FieldError

UNKNOWN_FIELD = "unknown_field"  # the code of a field that is not there to be set


class Schema(BaseModel):
    """A body on the wire, or a part of one.

    Its validator is built at its first use: a Lambda imports its whole domain and serves one route, so most schemas of
    a process are never used, and building them all would be a tenth of its cold start.
    """

    model_config = ConfigDict(defer_build=True)


class Input(Schema):
    """What a caller sends, or a part of it.

    A field that it does not have is refused and not passed over: whoever sends `status` or `permissions` along learns
    that nobody sets them so, and a misspelt field does not silently stay as it was.
    """

    model_config = ConfigDict(extra="forbid")


def fault(found: Mapping[str, Any], pointer: str) -> FieldError:
    """Say what is wrong with the field at `pointer`; `found` is one of pydantic's `ErrorDetails`."""
    if found["type"] == "extra_forbidden":
        return FieldError(pointer, UNKNOWN_FIELD, "There is no such field to set.")
    return FieldError(pointer, str(found["type"]), found["msg"].removeprefix("Value error, "))


def build(hint: Any) -> None:  # noqa: ANN401 -- any annotation
    """Build the schemas in an annotation, and have those that FastAPI wraps around them built at once, too."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        hint.model_rebuild()
        hint.model_config["defer_build"] = False
    for part in get_args(hint):
        build(part)
