"""The mails that people get: read out of the rows that wait to be sent, as the bound person."""

import json
import re
from uuid import UUID

from shared.core import emails, encryption
from shared.core.idempotency import PLATFORM_STORE
from tests.database import Sql

_LINK = re.compile(r"https://shop\.test(/[a-z-]+(?:/[a-z-]+)?)#(\w+)")


class Letterbox:
    """What was queued for one address."""

    def __init__(self, sql: Sql, email: str) -> None:
        """Look into the letterbox of an address that somebody has."""
        self._sql, self._email = sql, email

    @property
    def owner(self) -> UUID | None:
        """Who has the address."""
        index = encryption.blind_index(PLATFORM_STORE, "users.email", emails.for_lookup(self._email))
        found = self._sql("select id from users where email_index = %s", index)
        return found[0]["id"] if found else None

    def letters(self) -> list[dict[str, str]]:
        """Return what was written to it, the oldest first."""
        owner = self.owner
        if owner is None:
            return []
        rows = self._sql(
            "select purpose, recipient, content from outgoing_messages where store_id = %s order by id", owner
        )
        letters = []
        for row in rows:
            content = json.loads(encryption.decrypt(owner, "outgoing_messages.content", bytes(row["content"])))
            to = encryption.decrypt(owner, "outgoing_messages.recipient", bytes(row["recipient"])).decode()
            letters.append({"purpose": row["purpose"], "to": to, **content})
        return letters

    def link(self) -> tuple[str, str]:
        """Return the page and the token of the link in the latest letter that has one."""
        found = [link for letter in self.letters() for link in _LINK.findall(letter["text"])]
        page, token = found[-1]
        return page, token
