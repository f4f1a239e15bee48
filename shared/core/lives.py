"""What a table says of the lives of its rows: declared on its model, carried out by `tenant_life`."""

from dataclasses import dataclass
from datetime import timedelta

RESTORABLE = timedelta(days=90)  # how long a merchant can take a deletion back


@dataclass(frozen=True)
class Purge:
    """Rows go for good once `column` lies more than `after` in the past."""

    column: str
    after: timedelta


@dataclass(frozen=True)
class TenantLife:
    """What becomes of a store's rows; `StoreOwned` has one that most tables need not change.

    `exported`: whether a merchant who takes their store along gets these rows. `personal`: the columns that hold or
    point at a person; unless named, all encrypted ones and blind indexes (bytes in a column called `..._index`).
    `purge`: when rows go by themselves; unless named, 90 days after their `deleted_at`, where there is one.

        __tenant_life__ = TenantLife(purge=Purge("sent_at", timedelta(days=30)))
    """

    exported: bool = True
    personal: tuple[str, ...] | None = None
    purge: Purge | None = None
