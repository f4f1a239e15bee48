"""What every threat has in common: it is refused with its status, changes nothing, and is written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from shared.core import refusals
from shared.core.idempotency import PLATFORM_STORE
from tests.client import Answer
from tests.database import Sql
from tests.rules import locks
from tests.tenancy.rows import Rows, rows_of

# Where a refusal leaves its trace: the audit log and what is to be sealed of it, the answer for the request's key, how
# often something was tried, and when somebody was last seen.
TRACES = frozenset(
    f"public.{name}"
    for name in ("audit_entries", "unsealed_entries", "idempotency_keys", "throttles", "sessions", "token_uses")
)


@dataclass
class Siege:
    """Watches over tenants (stores, organizations, persons) while something is tried."""

    sql: Sql
    tenants: dict[UUID, dict[str, Rows]] = field(default_factory=dict)

    @contextmanager
    def of(self, *tenants: UUID) -> Iterator[None]:
        """Make sure that what is tried in the block changes nothing that belongs to these tenants."""
        refusals.forget()
        before = {tenant: self._rows(tenant) for tenant in tenants}
        yield
        for tenant, rows in before.items():
            changed = [
                table
                for owner, then in rows.items()
                for table in self._rows(tenant)[owner].changed_since(then, but=TRACES)
            ]
            assert changed == [], f"of tenant {tenant}: {changed}"

    def _rows(self, tenant: UUID) -> dict[str, Rows]:
        tables = [table for table in locks.tables(self.sql) if table.owner is not None]
        return {
            owner: rows_of(self.sql, tenant, [table for table in tables if table.owner == owner])
            for owner in ("store", "organization", "person")
        }

    def noted(self, tenant: UUID | None, code: str) -> list[dict[str, Any]]:
        """Return the refusals with this code in a tenant's log (None: in the platform's own), the newest first."""
        return self.sql(
            "select actor_kind, actor_id, entity, after, severity from audit_entries where store_id = %s "
            "and action = 'access.refused' and after ->> 'code' = %s order by id desc",
            tenant or PLATFORM_STORE,
            code,
        )


def refusal(answer: Answer) -> tuple[int, str]:
    """Return an answer's status and the code of its problem."""
    return answer.status_code, str(answer.json().get("code"))
