"""Links as they are mailed, for tests that need one and not the mail."""

from uuid import UUID

from shared.core import database
from shared.core.principal import Principal
from shared.identity import mailed_links
from shared.identity.models.people import LinkPurpose


def of(user_id: UUID, purpose: LinkPurpose) -> str:
    """Make a link for a person and return its token."""
    with database.transaction(user_id, principal=Principal(kind="system", id="test")) as session:
        return mailed_links.issue(session, purpose).token
