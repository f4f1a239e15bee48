"""What a merchant may decide about an import or an export."""

from typing import Literal

from pydantic import ConfigDict, Field, StrictBool

from shared.core.schemas import Input

Publish = Literal["as_file", "draft", "active"]


class ImportOptions(Input):
    """How a file is taken."""

    model_config = ConfigDict(frozen=True)

    publish: Publish = Field(
        default="as_file",
        description="Which status products get: the file's (Status and Published), or the same for all.",
    )
    stock: Literal["set", "leave"] = Field(
        default="set",
        description="`set`: what is on hand becomes what the file says. `leave`: stock stays as it is.",
    )
    images: StrictBool = Field(default=True, description="False: pictures stay as they are, and none is fetched.")
