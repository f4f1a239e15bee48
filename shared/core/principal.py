"""Who acts: an API token, a member of staff, a storefront's key, a customer, an operator, the system, or a guest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.core import permissions

Kind = Literal["api_token", "staff", "publishable_key", "customer", "platform", "system", "guest"]


@dataclass(frozen=True)
class Session:
    """The session by which a person is signed in: of a member of staff, or of a store's customer.

    `proven_at` is when they last proved who they are: at sign-in, or since then for what is risky (`step_up`).
    """

    id: UUID
    user_id: UUID  # whose it is; a customer's id, where the principal is a customer
    organization_id: UUID | None = None
    store_id: UUID | None = None  # which store a member of staff has entered
    proven_at: datetime | None = None
    has_second_factor: bool = False
    digest: bytes | None = field(default=None, repr=False)  # of the token that it came with


@dataclass(frozen=True)
class Principal:
    """Who acts, as the server established it from a credential; stands in audit entries and events.

    `id` names the credential, function or account, by a number that says nothing of the person: it is written to logs.
    `scopes` are permission codes; `limits` the amounts, in minor units of the store's currency, up to which some of
    them go.
    """

    kind: Kind
    id: str
    scopes: frozenset[str] = frozenset()
    store_id: UUID | None = None
    session: Session | None = None
    limits: Mapping[str, int] = field(default_factory=dict)

    def may(self, permission: str) -> bool:
        """Tell whether this principal was granted `permission`, alone or by `admin.superuser`.

        Raises:
            UnknownPermission: there is no such permission.
        """
        return permissions.allows(self.scopes, permission)

    def limit(self, permission: str) -> int | None:
        """Return the amount up to which the permission goes, in minor units; None where it has no limit."""
        return self.limits.get(permission)


def customer_of(caller: Principal | None) -> UUID | None:
    """Return the customer who is calling; None for everybody else."""
    signed_in = caller.session if caller is not None and caller.kind == "customer" else None
    return signed_in.user_id if signed_in is not None else None


def read_limits(told: Iterable[str]) -> dict[str, int]:
    """Read limits as the look-ups write them: `order.refund=500000`."""
    return {permission: int(amount) for permission, _, amount in (one.partition("=") for one in told)}
