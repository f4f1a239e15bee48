"""People for tests: somebody with a verified address, and a caller with the cookie of their session.

`a_person()` works nowhere yet. `store.staff(role="viewer")` works for the store's organization and has entered the
store; with `permissions` they have a role of the organization's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import UUID

from shared.core import browsers, clock, database, ids
from shared.core.principal import Principal
from shared.identity import sessions, signing_up
from shared.organizations import opening
from shared.organizations.models import Member, Role, RolePermission, Standing
from shared.stores import organizations
from tests.client import Client

NOBODY = UUID(int=0)
_numbers = count(1)
_SYSTEM = Principal(kind="system", id="test")


@dataclass
class Person(Client):
    """A caller who is signed in: every request carries the cookie of one session."""

    user_id: UUID = NOBODY
    email: str = ""
    name: str = ""
    member_id: UUID = NOBODY
    session_id: UUID = NOBODY

    @property
    def member(self) -> str:
        """The id of their membership, as the wire has it."""
        return ids.encode("member", self.member_id)

    @property
    def user(self) -> str:
        """Their id, as the wire has it."""
        return ids.encode("user", self.user_id)

    def at(self, *, organization_id: UUID | None = None, store_id: UUID | None = None) -> "Person":
        """Return them in another session of theirs, at work there; whether they may be is for its requests to find."""
        with database.transaction(self.user_id, principal=_SYSTEM) as session:
            opened = sessions.open_session(
                session, has_second_factor=False, organization_id=organization_id, store_id=store_id
            )
        cookie = {"Cookie": f"{browsers.SESSION_COOKIE}={opened.token}"}
        return replace(self, headers=cookie, session_id=opened.session.id)


def a_person(name: str = "Rahima", *, is_verified: bool = True, password: str | None = None) -> Person:
    """Let somebody sign up and in; they work nowhere yet."""
    email = f"person-{next(_numbers)}-{ids.new_id().hex[-12:]}@people.test"
    with database.transaction(principal=_SYSTEM) as session:
        user_id = signing_up.register_verified(session, email=email, name=name, password=password)
    assert user_id is not None
    if not is_verified:
        with database.transaction(user_id, principal=_SYSTEM) as session:
            session.connection().exec_driver_sql("update users set email_verified_at = null")
    return Person(user_id=user_id, email=email, name=name).at()


def own(person: Person, organization_id: UUID) -> Person:
    """Make somebody the first owner of an organization that nobody belongs to yet."""
    with database.transaction(organization_id, principal=_SYSTEM) as session:
        member = opening.found(session, organizations.get(session), owner=person.user_id)
    return replace(person, member_id=member.id)


def join(
    person: Person,
    organization_id: UUID,
    *,
    role: str = "member",
    permissions: Iterable[str] | None = None,
    limits: Mapping[str, int] | None = None,
    store_ids: Iterable[UUID] | None = None,
) -> Person:
    """Make somebody a member of an organization; with `permissions`, by a role of its own."""
    now, role_id = clock.now(), None
    with database.transaction(organization_id, principal=_SYSTEM) as session:
        if permissions is not None:
            role, role_id = Standing.CUSTOM, ids.new_id()
            session.add(Role(id=role_id, name=f"Role {role_id}", version=1, created_at=now, updated_at=now))
            session.flush()
            for code in permissions:
                session.add(RolePermission(role_id=role_id, permission=code, up_to=(limits or {}).get(code)))
        member = Member(
            id=ids.new_id(),
            user_id=person.user_id,
            role=Standing(role),
            role_id=role_id,
            store_ids=sorted(store_ids) if store_ids is not None else None,
            version=1,
            joined_at=now,
            updated_at=now,
        )
        session.add(member)
    return replace(person, member_id=member.id)


def code(answer: Any) -> tuple[int, str]:
    """Return the status of a refusal, and its code."""
    return answer.status_code, answer.json()["code"]
