"""Start checkouts: purchases under way, priced and with their stock reserved.

Why: between "I want this" and "I have bought it" stands a promise: this price and these units, until a moment. The row
holds both, frozen, and the buyer's personal data in one encrypted column. A cart has one open checkout: a unique index
over the open ones makes starting again renew the row, under the same id, and with it the same holder of stock.
Considered instead: a checkout as a state of the cart (browsing on would change what is being paid); a row a start
(twenty starts would be twenty holders of stock); counters of what a guest holds (a counter drifts, the rows do not);
the store's settings read again at completion (they may have changed, and the price that was shown must hold).
Phone and address of the network stand as blind indexes, so that the limits can count them without knowing them.
Going back: drops the table; purchases under way with it, orders stay.
Locks: none; the table is new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1000"
down_revision = "2026_11_21_0950"
branch_labels = None
depends_on = None

STATE = (">open", "open>completed", "open>canceled")  # as in shared/checkout/states.py; a test walks every pair


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table checkouts (
            store_id uuid not null,
            id uuid not null,
            cart_id uuid not null,
            cart_contents bigint not null,
            owner_digest bytea not null,
            state text not null,
            items jsonb not null,
            priced jsonb not null,
            store_facts jsonb not null,
            personal bytea,
            contact_index bytea not null,
            ip_index bytea,
            locale text not null,
            holds_until timestamptz not null,
            order_id uuid,
            version bigint not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            constraint checkouts_cart_fkey foreign key (store_id, cart_id) references carts (store_id, id),
            constraint checkouts_state_is_known check (state in ('open', 'completed', 'canceled')),
            constraint checkouts_completed_has_order check ((state = 'completed') = (order_id is not null))
        ) with (fillfactor = 70)
    """)
    op.execute("create unique index checkouts_one_open on checkouts (store_id, cart_id) where state = 'open'")
    op.execute("create index checkouts_by_cart on checkouts (store_id, cart_id)")
    for name, column in (("contact", "contact_index"), ("ip", "ip_index")):
        op.execute(
            f"create index checkouts_by_{name} on checkouts (store_id, {column}, holds_until) where state = 'open'",
        )
    tenancy.protect("checkouts")
    tenancy.allow_steps("checkouts", "state", STATE)


def downgrade() -> None:
    """Take back."""
    op.execute("drop table checkouts")
