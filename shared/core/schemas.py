"""What every body that comes in or goes out is made of."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """A body on the wire, or a part of one.

    Its validator is built at its first use: a Lambda imports its whole domain and serves one route, so most schemas of
    a process are never used, and building them all would be a tenth of its cold start.
    """

    model_config = ConfigDict(defer_build=True)


def build(hint: Any) -> None:  # noqa: ANN401 -- any annotation
    """Build the schemas in an annotation, and have those that FastAPI wraps around them built at once, too."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        hint.model_rebuild()
        hint.model_config["defer_build"] = False
    for part in get_args(hint):
        build(part)
