"""The stages: all that differs between one deployment of the system and another, and nothing else.

A function states its own nature (memory, timeout, grants) beside its code; a stage scales it. A stage of one's own is
one more line in `STAGES`. Deployed by `cdk deploy --all -c stage=NAME`; the account and the region are the caller's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PROJECT = "stormcom"
LONGEST_FUNCTION_NAME = 64  # characters; Lambda's own limit


class UnknownStage(LookupError):
    """The stage is missing or not one of `STAGES`."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """The size and the safety of a stage's database.

    The smallest size is half a capacity unit, not zero: the proxy keeps connections open, and the sweeps tick every
    minute, so a cluster that may pause would never pause.
    """

    min_capacity: float = 0.5  # Aurora capacity units; one is about 2 GiB of memory
    max_capacity: float = 4
    readers: int = 0  # a reader is also what the cluster fails over to
    backup_days: int = 7  # any second of the last so many days can be restored
    yearly_backups: bool = False  # one more copy every month, in a vault, kept for a year


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One deployment of the whole system."""

    name: str
    granularity: Literal["endpoint", "domain"] = "endpoint"  # one Lambda a route, or one an Api
    snap_start: bool = False  # restores an imported environment: shorter cold starts for a price per version
    database: Database = field(default_factory=Database)
    keep_data: bool = True  # deletion protection, and a snapshot where something is deleted all the same
    log_days: Literal[7, 30, 90, 365] = 30
    alarms_to: str | None = None  # an address that alarms are mailed to; None: no alarms at all
    requests_per_second: int = 200  # for each audience's API; more are answered with 429 by the gateway
    burst: int = 400
    requests_per_address: int = 2_000  # in five minutes, for one IP address, at the firewall
    reserved_concurrency: Mapping[str, int] = field(default_factory=dict)  # by function's name
    domain_name: str | None = None  # what people type; None: the name that CloudFront gives
    certificate: str | None = None  # ARN of the domain name's certificate, in us-east-1, where CloudFront reads it
    storefront_domain: str | None = None  # stores answer at SLUG.storefront_domain
    origin_secret: int = 1  # which secret the edge and the functions share; a higher number is a new one

    def __post_init__(self) -> None:
        """Refuse a name that another stage's could begin with: grants reach whatever begins with a stage's prefix."""
        if not re.fullmatch("[a-z][a-z0-9]{0,9}", self.name):
            message = f"A stage's name is up to ten lower-case letters and digits, not {self.name!r}."
            raise ValueError(message)

    @property
    def prefix(self) -> str:
        """Return what every name of this stage begins with."""
        return f"{PROJECT}-{self.name}"

    def named(self, what: str) -> str:
        """Return the name of something in this stage; stages share an account without meeting."""
        return f"{self.prefix}-{what}"

    @property
    def logs(self) -> str:
        """Return what the names of the functions' log groups begin with."""
        return f"/{PROJECT}/{self.name}/"

    def function_named(self, function: str) -> str:
        """Return a function's name in the cloud.

        Raises:
            ValueError: the name is longer than Lambda takes.
        """
        name = self.named(function)
        if len(name) > LONGEST_FUNCTION_NAME:
            message = f"{name!r} has {len(name)} characters, and Lambda takes {LONGEST_FUNCTION_NAME}; shorten it."
            raise ValueError(message)
        return name


STAGES: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        # A developer's own: cheap, gone without a trace, and few cold functions.
        Stage(name="dev", granularity="domain", keep_data=False, log_days=7),
        # Production's shape at a smaller size, so that what is proven here holds there.
        Stage(
            name="staging",
            snap_start=True,
            database=Database(max_capacity=8),
            alarms_to="staging-alarms@stormcom.example",
        ),
        Stage(
            name="prod",
            snap_start=True,
            database=Database(min_capacity=2, max_capacity=64, readers=1, backup_days=35, yearly_backups=True),
            log_days=365,
            alarms_to="alarms@stormcom.example",
            requests_per_second=2_000,
            burst=4_000,
        ),
    )
}


def named(name: str | None) -> Stage:
    """Return the stage of that name.

    Raises:
        UnknownStage: there is none, or none was asked for.
    """
    known = ", ".join(sorted(STAGES))
    if not name:
        message = f"Which stage? Say -c stage=NAME, where NAME is one of: {known}."
        raise UnknownStage(message)
    if name not in STAGES:
        message = f"There is no stage {name!r}. The stages are: {known}. They are declared in infra/stages.py."
        raise UnknownStage(message)
    return STAGES[name]
