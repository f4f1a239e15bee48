"""All that a credential or a member of staff may be allowed to do; the codes are final, since tokens carry them."""

SUPERUSER = "admin.superuser"
"""The permission that contains all others."""

PERMISSIONS: dict[str, str] = {
    "product.read": "See products, variants and their prices, drafts included.",
    "product.write": "Create, edit, delete and restore products and variants.",
    "product.publish": "Show a product in the storefront, or take it out.",
    "inventory.read": "See stock levels and the history of their adjustments.",
    "inventory.adjust": "Change stock levels and the rules by which they are sold.",
    "order.read": "See orders with their lines, payments and contact data.",
    "order.write": "Place, edit and cancel orders.",
    "order.fulfill": "Pack and ship orders, and record what was delivered.",
    "order.refund": "Give money back for an order.",
    "customer.read": "See customers with their addresses and history.",
    "customer.write": "Create, edit, merge and delete customers.",
    "customer.segment.manage": "Define the segments that customers fall into.",
    "promo.manage": "Create and change promotions, flash sales and coupons.",
    "discount.create": "Create discount codes.",
    "discount.apply": "Give a discount by hand on an order.",
    "webhook.manage": "Subscribe endpoints to events, and see and repeat their deliveries.",
    "integration.manage": "Connect apps, couriers, payment providers and imports.",
    "analytics.view": "See reports and dashboards.",
    "analytics.export": "Download what the reports are made of.",
    "settings.manage": "Change the store's settings, shipping, taxes and domains.",
    "billing.manage": "Change the plan, and see and pay StormCom's invoices.",
    SUPERUSER: "Do everything in the store: contains every other permission.",
    "return.manage": "Approve, receive and close returns.",
    "campaign.manage": "Write campaigns and automations.",
    "campaign.send": "Send a campaign to the customers that it is meant for.",
    "audit.view": "Read the audit log.",
    "audit.verify": "Check that nobody has altered the audit log.",
    "pos.operate": "Sell at the counter: open and close a till, take payment.",
    "content.publish": "Write and publish pages and blog posts.",
    "export.pii": "Have personal data in exports and reports in clear.",
    "token.manage": "Create and revoke API tokens and publishable keys.",
    "staff.manage": "Invite and remove members of staff, and set what they may do.",
}
"""Code -> what it allows, in one sentence for the person who grants it."""

_VIEWER = frozenset({"product.read", "inventory.read", "order.read", "customer.read", "analytics.view"})
_MEMBER = _VIEWER | {
    "product.write",
    "inventory.adjust",
    "order.write",
    "order.fulfill",
    "customer.write",
    "return.manage",
    "pos.operate",
}

STANDARD: dict[str, frozenset[str]] = {
    "owner": frozenset({SUPERUSER}),
    "admin": frozenset(PERMISSIONS) - {SUPERUSER, "billing.manage"},
    "member": _MEMBER,
    "viewer": _VIEWER,
}
"""What the four roles allow that every organization has; the table `standard_role_permissions` says the same."""


class UnknownPermission(LookupError):
    """Somebody asked for a permission that does not exist: a mistake in the code or in a stored role."""


def allows(granted: frozenset[str], permission: str) -> bool:
    """Tell whether who was granted `granted` may do `permission`.

    Raises:
        UnknownPermission: there is no such permission; a misspelt one must not pass for the superuser.
    """
    if permission not in PERMISSIONS:
        raise UnknownPermission(permission)
    return permission in granted or SUPERUSER in granted
