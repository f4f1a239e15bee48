"""Calls of organizations, their members, roles and invitations.

Whoever calls is the organization's owner, but where that would end what they are.
"""

import re
from dataclasses import replace
from uuid import UUID

from sqlalchemy import select

from shared.core import database, ids
from shared.messaging.models import QueuedMessage
from tests.factories import a_store
from tests.staff import a_person, join
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import BY_ANYBODY, Case, calls, simple
from tests.tenancy.world import Ref, World


def owners(route: str, case: Case) -> None:
    """Register the call of a route as one of the organization's owner, unless it names who sends it."""

    def by_owner(world: World) -> Call:
        call = case(world)
        return call if call.by is not None else replace(call, by=world.at_work())

    simple(route, by_owner)


def _new_store(world: World) -> dict[str, object]:
    return {"name": f"Branch {world.word}", "slug": f"branch-{ids.new_id().hex[-12:]}"}


def _role(world: World) -> str:
    body = {"name": world.new_name(), "permissions": [{"permission": "order.read"}]}
    role_id: str = world.made(world.at_work().post("/organization/roles", json=body))["id"]
    return role_id


def _member(world: World) -> str:
    """Let somebody join who may be changed and removed."""
    return join(a_person(f"Karim {world.word}"), world.store.organization_id, role="viewer").member


def _invitation(world: World, email: str | None = None) -> str:
    body = {"email": email or f"{world.new_name()}@people.test", "role": "viewer"}
    invitation_id: str = world.made(world.at_work().post("/organization/invitations", json=body))["id"]
    return invitation_id


def _secret_of(organization_id: UUID) -> Ref:
    """Return what the organization's last letter holds."""
    with database.transaction(organization_id) as session:
        letter = session.scalars(select(QueuedMessage).order_by(QueuedMessage.id.desc()).limit(1)).one()
        found = re.search(r"\biv_[0-9A-Za-z]{36}\b", (letter.content or {})["text"])
    assert found is not None
    return Ref(found[0])


def _second_page(world: World, path: str) -> Call:
    """Return a call for the second page of a list that has one."""
    page = world.made(world.at_work().get(path, params={"limit": 1}))["page"]
    assert page["has_more"], path
    return Call(query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True, by=world.at_work())


def _override(world: World) -> dict[str, str]:
    path = {"member_id": _member(world), "permission": "order.refund"}
    body = {"effect": "grant", "reason": f"For {world.word}"}
    world.made(world.at_work().put(f"/organization/members/{path['member_id']}/overrides/order.refund", json=body))
    return path


owners("organizations-list-organizations", lambda _: Call())
owners(
    "organizations-open-organization",
    lambda world: Call(json={"name": f"House of {world.word}", "store": _new_store(world)}, by=a_person(world.word)),
)
owners("organizations-get-organization", lambda _: Call())
owners("organizations-edit-organization", lambda world: Call(json={"name": f"House of {world.word}"}))
owners("organizations-open-further-store", lambda world: Call(json=_new_store(world)))
owners("organizations-list-permissions", lambda _: Call())
owners("organizations-review-access", lambda _: Call())
owners("organizations-download-access-review", lambda _: Call())
owners(
    "organizations-transfer-ownership",
    lambda world: Call(json={"member_id": _member(world)}, by=world.store.staff("owner")),
)
owners("organizations-leave-organization", lambda world: Call(by=world.store.staff("viewer")))

simple(
    "organizations-invite-first-owner",
    lambda world: Call(
        path={"organization_id": ids.encode("org", a_store().organization_id)},
        json={"email": f"{world.word}@shop.test"},
    ),
)

owners("organizations-list-members", lambda _: Call())
owners("organizations-get-member", lambda world: Call(path={"member_id": _member(world)}))
owners("organizations-change-member", lambda world: Call(path={"member_id": _member(world)}, json={"role": "member"}))
owners("organizations-suspend-member", lambda world: Call(path={"member_id": _member(world)}))
owners("organizations-let-member-back", lambda world: Call(path={"member_id": _member(world)}))
owners("organizations-remove-member", lambda world: Call(path={"member_id": _member(world)}))
owners("organizations-list-overrides", lambda world: Call(path={"member_id": _member(world)}))
owners(
    "organizations-set-override",
    lambda world: Call(
        path={"member_id": _member(world), "permission": "order.refund"},
        json={"effect": "grant", "up_to": 5000, "reason": f"For {world.word}"},
    ),
)
owners("organizations-remove-override", lambda world: Call(path=_override(world)))


@calls("organizations-list-members")
def the_second_page_of_members(world: World) -> Call:
    _member(world)
    return _second_page(world, "/organization/members")


@calls("organizations-list-invitations")
def the_second_page_of_invitations(world: World) -> Call:
    _invitation(world)
    _invitation(world)
    return _second_page(world, "/organization/invitations")


@calls("organizations-change-member")
def a_role_of_its_own_in_one_store(world: World) -> Call:
    return Call(
        path={"member_id": _member(world)},
        json={"role": "custom", "role_id": _role(world), "store_ids": [ids.encode("store", world.store.id)]},
        by=world.at_work(),
    )


owners("organizations-list-roles", lambda _: Call())
owners(
    "organizations-create-role",
    lambda world: Call(json={"name": world.new_name(), "description": world.word, "bundles": ["finance"]}),
)
owners("organizations-get-role", lambda world: Call(path={"role_id": _role(world)}))
owners("organizations-edit-role", lambda world: Call(path={"role_id": _role(world)}, json={"description": world.word}))
owners("organizations-delete-role", lambda world: Call(path={"role_id": _role(world)}))

owners("organizations-list-invitations", lambda _: Call())
owners(
    "organizations-invite",
    lambda world: Call(
        json={
            "email": f"{world.new_name()}@people.test",
            "role": "custom",
            "role_id": _role(world),
            "store_ids": [ids.encode("store", world.store.id)],
        }
    ),
)
owners("organizations-resend-invitation", lambda world: Call(path={"invitation_id": _invitation(world)}))
owners("organizations-revoke-invitation", lambda world: Call(path={"invitation_id": _invitation(world)}))


@calls("organizations-accept-invitation")
def by_whom_it_was_sent_to(world: World) -> Call:
    person = a_person(f"Karim {world.word}")
    _invitation(world, person.email)
    return Call(json={"token": _secret_of(world.store.organization_id)}, by=person)


def _by_invitation() -> Call:
    store = a_store()
    body = {"email": f"somebody-{ids.new_id().hex}@people.test", "role": "viewer"}
    World.made(store.owner.post("/organization/invitations", json=body))
    return Call(json={"token": _secret_of(store.organization_id), "name": "Karim", "password": "four green kettles"})


BY_ANYBODY["organizations-sign-up-by-invitation"] = _by_invitation
