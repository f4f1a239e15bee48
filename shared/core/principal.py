"""Who acts: an API token, a storefront's key, a platform operator, the system itself, or a guest."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from shared.core import permissions

Kind = Literal["api_token", "publishable_key", "platform", "system", "guest"]


@dataclass(frozen=True)
class Principal:
    """Who acts, as the server established it from a credential; stands in audit entries and events.

    `id` names the credential or function, never a person: it is written to logs. `scopes` are permission codes.
    """

    kind: Kind
    id: str
    scopes: frozenset[str] = frozenset()
    store_id: UUID | None = None

    def may(self, permission: str) -> bool:
        """Tell whether this principal was granted `permission`, alone or by `admin.superuser`.

        Raises:
            UnknownPermission: there is no such permission.
        """
        return permissions.allows(self.scopes, permission)
