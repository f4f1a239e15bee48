"""The taxonomy as people choose from it: bundles of what mostly goes together, and what has an amount."""

from collections.abc import Mapping

BUNDLES: Mapping[str, tuple[str, frozenset[str]]] = {
    "core_operations": ("Core Operations", frozenset({"product.read", "order.fulfill", "inventory.adjust"})),
    "merchandising": ("Merchandising", frozenset({"product.write", "product.publish", "promo.manage"})),
    "marketing": ("Marketing", frozenset({"customer.segment.manage", "discount.create"})),
    "finance": ("Finance", frozenset({"order.refund", "billing.manage", "analytics.export"})),
    "technical": ("Technical / Integrations", frozenset({"webhook.manage", "integration.manage"})),
}
"""Name -> title and permissions. A role that is made with one gets what it holds at that time."""

WITH_AMOUNT = frozenset({"order.refund", "discount.apply"})
"""Permissions by which money goes out, so that one may go up to an amount."""
