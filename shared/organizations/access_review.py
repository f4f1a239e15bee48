"""Who may do what in which store: the report by which an organization looks at its people and tokens.

What people may do is asked of the look-up that requests are let in by, so the report can't differ from what happens.
A report is rare: it costs three statements, one a member for who they are, and two a store.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import clock, ids, tenancy
from shared.core.permissions import SUPERUSER
from shared.core.principal import Principal, read_limits
from shared.identity import tokens
from shared.identity.models import Credential
from shared.organizations import members
from shared.organizations.members import Colleague
from shared.organizations.models import Effect, Member, PermissionOverride, Role, Standing
from shared.stores.models import Store
from shared.stores.queries import get_store

_ACCESS = text("select member_id, permissions, limits from lookup.access_of_organization(:organization_id, null, :now)")
_STORES = text("select lookup.stores_of_organization(:organization_id)")


@dataclass(frozen=True)
class Held:
    """One permission that somebody has: how far it goes, by what, and since and until when."""

    permission: str
    up_to: int | None
    by: Literal["role", "override", "token"]
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True)
class Person:
    """A member, what they may do, and what they were denied by name."""

    colleague: Colleague
    role: str  # the name of a role of the organization's own
    held: tuple[Held, ...]
    denied: tuple[str, ...]


@dataclass(frozen=True)
class Token:
    """A secret token that is alive. `held` is what it may do now: its scopes, cut by what its maker may do."""

    credential: Credential
    held: tuple[Held, ...]


@dataclass(frozen=True)
class StoreAccess:
    """A store, and who may do something in it."""

    store: Store
    people: tuple[Person, ...]
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Review:
    """The report as it was at a moment. `suspended`: members who may do nothing until they are let back."""

    at: datetime
    stores: tuple[StoreAccess, ...]
    suspended: tuple[Colleague, ...]


def review(session: Session, *, by: Principal) -> Review:
    """Return the report on the bound organization; for who works in some stores alone, on these."""
    organization_id, now = tenancy.require_store(session), clock.now()
    found = list(session.scalars(select(Member).order_by(Member.id)))
    own = next((one.store_ids for one in found if by.session and one.user_id == by.session.user_id), None)
    people = _people(session, found, organization_id=organization_id, now=now)
    store_ids = [
        store_id
        for store_id in session.scalars(_STORES, {"organization_id": organization_id})
        if own is None or store_id in own
    ]
    stores = tuple(_access(session, store_id, people, now=now) for store_id in store_ids)
    tenancy.bind(session, organization_id)
    seen = [one for one in people if own is None or any(_enters(one, store_id) for store_id in store_ids)]
    return Review(now, stores, tuple(one.colleague for one in seen if one.colleague.member.suspended_at is not None))


def as_csv(found: Review) -> bytes:
    """Return the report as a CSV file: a line for each permission of each person or token in each store."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(
        ["Store", "Kind", "Id", "Name", "E-mail", "Role", "Permission", "Up to", "By", "Since", "Until", "Last seen"]
    )
    for access in found.stores:
        for person in access.people:
            profile = person.colleague.profile
            who = ("person", ids.encode("member", person.colleague.member.id), profile.name if profile else "")
            about = (profile.email if profile else "", person.role)
            writer.writerows(
                _line(access, who, about, held, seen=profile.last_seen_at if profile else None) for held in person.held
            )
        for token in access.tokens:
            who = ("token", ids.encode("cred", token.credential.id), token.credential.name)
            writer.writerows(
                _line(access, who, ("", ""), held, seen=token.credential.last_used_at) for held in token.held
            )
    return file.getvalue().encode("utf-8-sig")  # with its mark, without which Excel reads another encoding


def _people(session: Session, found: Sequence[Member], *, organization_id: UUID, now: datetime) -> list[Person]:
    access = {row.member_id: row for row in session.execute(_ACCESS, {"organization_id": organization_id, "now": now})}
    names = {role.id: role.name for role in session.scalars(select(Role))}
    overrides: dict[UUID, dict[str, PermissionOverride]] = {}
    for one in session.scalars(select(PermissionOverride)):
        if one.expires_at is None or one.expires_at > now:
            overrides.setdefault(one.member_id, {})[one.permission] = one
    people = []
    for colleague in members.introduce(session, found):
        member = colleague.member
        own, row = overrides.get(member.id, {}), access.get(member.id)
        limits = read_limits(row.limits) if row else {}
        held = tuple(_held(member, own, code, limits.get(code)) for code in (row.permissions if row else ()))
        denied = tuple(sorted(code for code, one in own.items() if one.effect is Effect.DENY))
        name = names.get(member.role_id, "") if member.role_id is not None else member.role.value
        people.append(Person(colleague, name, held, denied))
    return people


def _held(member: Member, overrides: Mapping[str, PermissionOverride], code: str, up_to: int | None) -> Held:
    override = overrides.get(code)
    if override is not None:
        return Held(code, up_to, "override", override.created_at, override.expires_at)
    return Held(code, up_to, "role", member.role_given_at or member.joined_at)


def _access(session: Session, store_id: UUID, people: Sequence[Person], *, now: datetime) -> StoreAccess:
    with tenancy.within(session, store_id):
        store, credentials = get_store(session), tokens.list_alive(session, now=now)
    entering = tuple(one for one in people if one.held and _enters(one, store_id))
    makers = {one.colleague.member.user_id: one for one in entering}
    return StoreAccess(store, entering, tuple(_token(credential, makers) for credential in credentials))


def _token(credential: Credential, makers: Mapping[UUID, Person]) -> Token:
    scopes, limits = set(credential.scopes), dict[str, int | None]()
    if credential.created_by is not None:
        maker = makers.get(credential.created_by)
        limits = {held.permission: held.up_to for held in maker.held} if maker else {}
        if SUPERUSER in scopes and SUPERUSER not in limits:
            scopes = set(limits)
        elif SUPERUSER not in limits:
            scopes &= limits.keys()
    held = (Held(code, limits.get(code), "token", credential.created_at, credential.expires_at) for code in scopes)
    return Token(credential, tuple(sorted(held, key=lambda one: one.permission)))


def _enters(person: Person, store_id: UUID) -> bool:
    member = person.colleague.member
    return member.role is Standing.OWNER or member.store_ids is None or store_id in member.store_ids


def _line(
    access: StoreAccess, who: Iterable[str], about: Iterable[str], held: Held, *, seen: datetime | None
) -> list[str]:
    facts = [
        held.permission,
        "" if held.up_to is None else str(held.up_to),
        held.by,
        held.since.isoformat(),
        held.until.isoformat() if held.until else "",
        seen.isoformat() if seen else "",
    ]
    return [_plain(text) for text in (access.store.name, *who, *about, *facts)]


def _plain(text: str) -> str:
    """Keep a spreadsheet from reading a name as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
