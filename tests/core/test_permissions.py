"""Permissions, and who has them."""

import pytest

from shared.core import permissions
from shared.core.permissions import PERMISSIONS, UnknownPermission
from shared.core.principal import Principal


def test_the_names_are_final() -> None:
    named = set(PERMISSIONS)

    assert named == {
        "product.read",
        "product.write",
        "product.publish",
        "inventory.read",
        "inventory.adjust",
        "order.read",
        "order.write",
        "order.fulfill",
        "order.refund",
        "customer.read",
        "customer.write",
        "customer.segment.manage",
        "promo.manage",
        "discount.create",
        "discount.apply",
        "webhook.manage",
        "integration.manage",
        "analytics.view",
        "analytics.export",
        "settings.manage",
        "billing.manage",
        "admin.superuser",
        "return.manage",
        "campaign.manage",
        "campaign.send",
        "audit.view",
        "audit.verify",
        "pos.operate",
        "content.publish",
        "export.pii",
        "token.manage",
        "staff.manage",
    }


@pytest.mark.parametrize("permission", sorted(PERMISSIONS))
def test_each_is_described_in_a_sentence(permission: str) -> None:
    described = PERMISSIONS[permission]

    assert described[0].isupper()
    assert described.endswith(".")


def test_a_principal_may_what_it_was_granted_and_nothing_else() -> None:
    clerk = Principal("api_token", "tok_1", frozenset({"order.read"}))

    may = {permission for permission in PERMISSIONS if clerk.may(permission)}

    assert may == {"order.read"}


def test_the_superuser_may_everything() -> None:
    owner = Principal("api_token", "tok_1", frozenset({permissions.SUPERUSER}))

    assert all(owner.may(permission) for permission in PERMISSIONS)


@pytest.mark.parametrize("kind", ["publishable_key", "guest", "system"])
def test_who_was_granted_nothing_may_nothing(kind: str) -> None:
    nobody = Principal(kind, "1")  # type: ignore[arg-type] # one of the kinds, as text

    assert not any(nobody.may(permission) for permission in PERMISSIONS)


def test_a_misspelt_permission_is_noticed_even_by_the_superuser() -> None:
    owner = Principal("api_token", "tok_1", frozenset({permissions.SUPERUSER}))

    with pytest.raises(UnknownPermission, match=r"order\.reed"):
        owner.may("order.reed")
