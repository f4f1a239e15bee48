"""Name permissions: what may be allowed, and what the four roles allow that every organization has.

Why: a role that names a code which is none is a mistake that a foreign key refuses, and the look-ups that resolve what
somebody may do read both where the rows lie. The same for everybody, so they belong to no tenant.
Considered instead: an enum (a new code would be a change of a type); standard roles as rows of each organization (sixty
rows a merchant that say the same).
Going back: drops the tables.
Locks: none; all tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1145"
down_revision = "2026_11_21_1140"
branch_labels = None
depends_on = None

# What this version of the software knows; a later code joins by a migration of its own.
_PERMISSIONS = {
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
    "admin.superuser": "Do everything in the store: contains every other permission.",
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
_VIEWER = (
    "product.read",
    "inventory.read",
    "order.read",
    "customer.read",
    "analytics.view",
)
_MEMBER = (
    *_VIEWER,
    "product.write",
    "inventory.adjust",
    "order.write",
    "order.fulfill",
    "customer.write",
    "return.manage",
    "pos.operate",
)
_STANDARD = {
    "owner": ("admin.superuser",),
    "admin": tuple(code for code in _PERMISSIONS if code not in ("admin.superuser", "billing.manage")),
    "member": _MEMBER,
    "viewer": _VIEWER,
}


def upgrade() -> None:
    """Apply."""
    op.execute("create table permissions (code text primary key, description text not null)")
    for code, description in _PERMISSIONS.items():
        told = description.replace("'", "''")
        op.execute(f"insert into permissions (code, description) values ('{code}', '{told}')")
    op.execute("""
        create table standard_role_permissions (
            role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
            permission text not null references permissions (code),
            primary key (role, permission)
        )
    """)
    for role, codes in _STANDARD.items():
        rows = ", ".join(f"('{role}', '{code}')" for code in codes)
        op.execute(f"insert into standard_role_permissions (role, permission) values {rows}")
    for table in ("permissions", "standard_role_permissions"):
        tenancy.allow(table, ("select",))
        op.execute(f"grant select on {table} to {tenancy.LOOKUP}")


def downgrade() -> None:
    """Take back."""
    for table in ("standard_role_permissions", "permissions"):
        op.execute(f"drop table {table}")
