"""Calls of stores and their credentials."""

from shared.core import ids
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import simple

simple("stores-get-store", lambda _: Call())
simple("stores-edit-store", lambda world: Call(json={"name": f"Shop {world.word}", "locale": "bn-BD"}))
simple("stores-get-storefront", lambda _: Call())
simple(
    "stores-open-store",
    lambda world: Call(
        json={
            "name": f"Branch {world.word}",
            "slug": f"branch-{ids.new_id().hex[-12:]}",
            "owner_email": "owner@shop.test",
        }
    ),
)
simple("identity-list-credentials", lambda _: Call())
simple("identity-issue-token", lambda _: Call(json={"name": "Till", "scopes": ["order.read"]}))
simple("identity-issue-publishable-key", lambda _: Call())
simple("identity-revoke-credential", lambda world: Call(path={"credential_id": world.credential()[0]}))
simple("identity-issue-catalog-token", lambda _: Call())
simple(
    "identity-rotate-token",
    lambda world: Call(path={"credential_id": world.credential()[0]}, json={"overlap_hours": 1}),
)
simple("identity-list-token-uses", lambda world: Call(path={"credential_id": world.credential()[0]}))
