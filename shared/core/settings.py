"""The environment of a function, read once, at first use: `STORMCOM_*` variables and what they must be.

Importing this module reads nothing. A variable that is wrong stops the first use with a sentence for each, never with
its value, which may be a secret. What only some functions need (the database, the queues) is missed only by who asks.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    TypeAdapter,
    ValidationError,
    model_validator,
)

_PREFIX = "STORMCOM_"


class SettingsError(RuntimeError):
    """The environment is not what this process needs; the text names each variable."""


def _an_http_url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        message = "must begin with https:// or http://"
        raise ValueError(message)
    return text.rstrip("/")


def _a_postgresql_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        message = "must begin with postgresql://"
        raise ValueError(message)
    return text


def _a_key_source(text: str) -> str:
    if not text.startswith(("file:", "secret:")):
        message = "must be file:PATH or secret:NAME"
        raise ValueError(message)
    return text


def _a_sealing_key(text: str) -> str:
    if not text.startswith(("file:", "kms:")):
        message = "must be file:PATH or kms:KEY, with more keys after commas, the newest last"
        raise ValueError(message)
    return text


def _an_object_store(text: str) -> str:
    if not text.startswith(("file:", "s3:")):
        message = "must be file:PATH or s3:PREFIX, what the buckets' names begin with"
        raise ValueError(message)
    return text


_SUBSCRIPTIONS: TypeAdapter[Mapping[str, tuple[str, ...]]] = TypeAdapter(Json[dict[str, tuple[str, ...]]])


def _subscriptions(given: object) -> object:
    return _SUBSCRIPTIONS.validate_python(given) if isinstance(given, str) else given


class Settings(BaseModel):
    """What the environment says. Each field is the variable STORMCOM_ plus its name (its alias, where it has one)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    stage: str = "local"
    function: str | None = None  # the one endpoint that this Lambda serves; all of the domain's where unset

    given_database_url: Annotated[str, AfterValidator(_a_postgresql_url)] | None = Field(
        default=None, alias="database_url", repr=False
    )
    database_auth: Literal["password", "iam"] = "password"
    database_tls: bool = False
    database_driver: Literal["one_trip", "named", "plain"] = "one_trip"  # see `driver`, and `named_statements`
    pool_size: int = Field(default=1, ge=1, le=100)  # a Lambda environment serves one request at a time
    statement_timeout_ms: int = Field(default=10_000, ge=0)  # below the gateway's 30 s, so that our answer arrives
    lock_timeout_ms: int = Field(default=2_000, ge=0)

    given_queue_prefix: Annotated[str, Field(min_length=1)] | None = Field(default=None, alias="queue_prefix")
    subscriptions: Annotated[Mapping[str, tuple[str, ...]], BeforeValidator(_subscriptions)] = Field(
        default_factory=dict
    )
    kick: bool = True  # tell the relay after a commit; without it the sweep of every minute finds the events

    given_keys: Annotated[str, AfterValidator(_a_key_source)] | None = Field(default=None, alias="keys", repr=False)
    given_audit_key: Annotated[str, AfterValidator(_a_sealing_key)] | None = Field(
        default=None, alias="audit_key", repr=False
    )
    issuers: Annotated[str, AfterValidator(_a_key_source)] | None = Field(default=None, repr=False)  # see `identity`
    given_objects: Annotated[str, AfterValidator(_an_object_store)] | None = Field(default=None, alias="objects")
    given_public_url: Annotated[str, AfterValidator(_an_http_url)] | None = Field(default=None, alias="public_url")
    origin_secret: str | None = Field(default=None, repr=False)  # what the edge sends along
    storefront_domain: str | None = None  # "shops.example": a store's storefront is at SLUG.shops.example
    edge_distribution: str | None = None  # CloudFront's, which is told what to forget; "local" writes it to the log

    channel: Literal["aws", "local"] = "aws"  # where messages to people go: SES and SNS, or files under local_dir
    local_dir: Path = Path(".stormcom")
    strict: bool = False  # tests: a problem that its endpoint does not declare is an error

    @property
    def database_url(self) -> str:
        """The database, as the application's role."""
        return self._required("database_url", self.given_database_url)

    @property
    def queue_prefix(self) -> str:
        """What a queue's URL begins with; the queue's name follows."""
        return self._required("queue_prefix", self.given_queue_prefix)

    @property
    def keys(self) -> str:
        """Where the master keys of encrypted columns are: `file:PATH` or `secret:NAME`."""
        return self._required("keys", self.given_keys)

    @property
    def audit_key(self) -> str:
        """What seals the audit trail: `kms:KEY`, or `file:PATH`; unless said, a file in `local_dir`."""
        if self.given_audit_key is None and self.channel == "local":
            return f"file:{self.local_dir / 'audit-key.json'}"
        return self._required("audit_key", self.given_audit_key)

    @property
    def objects(self) -> str:
        """Where objects (uploads, pictures) are: `file:PATH` or `s3:PREFIX`; unless said, files under `local_dir`."""
        if self.given_objects is None and self.channel == "local":
            return f"file:{self.local_dir / 'objects'}"
        return self._required("objects", self.given_objects)

    @property
    def public_url(self) -> str:
        """The address under which the world reaches this system, without a slash at its end."""
        return self._required("public_url", self.given_public_url)

    @model_validator(mode="after")
    def _refuse_tokens_in_clear(self) -> Self:
        if self.database_auth == "iam" and not self.database_tls:
            message = "STORMCOM_DATABASE_AUTH=iam sends a token and needs STORMCOM_DATABASE_TLS=true"
            raise ValueError(message)
        return self

    @staticmethod
    def _required(name: str, value: str | None) -> str:
        if value is None:
            message = f"The environment lacks {_PREFIX}{name.upper()}, which is needed here."
            raise SettingsError(message)
        return value


_lock = threading.Lock()
_settings: Settings | None = None


def settings() -> Settings:
    """Return the process's settings; the first call reads the environment.

    Raises:
        SettingsError: a variable is wrong; every wrong one is named.
    """
    global _settings  # noqa: PLW0603 -- one environment a process
    if _settings is None:
        with _lock:
            if _settings is None:
                _settings = from_environment(os.environ)
    return _settings


def reload() -> None:
    """Forget what was read: the next use reads the environment again."""
    global _settings  # noqa: PLW0603 -- one environment a process
    _settings = None


@contextmanager
def use_settings(**values: Any) -> Iterator[Settings]:  # noqa: ANN401 -- each field's own type, checked by the model
    """Replace single settings for a test, process-wide; the others stay as they are. Names as without the prefix."""
    global _settings  # noqa: PLW0603 -- one environment a process
    before = _settings
    present = settings().model_dump(by_alias=True, exclude_unset=True)
    _settings = _validated(present | values)
    try:
        yield _settings
    finally:
        _settings = before


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read settings; an empty variable counts as unset, a STORMCOM_ variable that is none of ours is left alone.

    Raises:
        SettingsError: a variable is wrong; every wrong one is named.
    """
    names = [field.alias or name for name, field in Settings.model_fields.items()]
    return _validated({name: text for name in names if (text := environment.get(_PREFIX + name.upper()))})


def _validated(values: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as refused:
        sentences = [_sentence(error["loc"], error["msg"]) for error in refused.errors(include_input=False)]
    # Outside the handler: the original error is not chained, since its context may hold values.
    message = "The environment is not usable:\n" + "\n".join(f"  {sentence}" for sentence in sentences)
    raise SettingsError(message)


def _sentence(location: tuple[int | str, ...], reason: str) -> str:
    reason = reason.removeprefix("Value error, ")
    return f"{_PREFIX}{str(location[0]).upper()}: {reason}" if location else reason
