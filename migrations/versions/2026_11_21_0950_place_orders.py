"""Place orders: orders, their lines, what was fulfilled of them, and the attempts to pay for them.

Why: an order is the moment of buying, frozen. Names, prices, shares of discount and tax, and how they came about,
are copied into the lines, and the application has no right to change them afterwards: only statuses, quantities
fulfilled and the encrypted personal data can be updated, by grants on columns. Statuses are state machines: a trigger
refuses a step that is not declared, whoever takes it.
Considered instead: prices read from the catalog (later edits would rewrite history); one status column (paid and sent
are independent facts); statuses as PostgreSQL enums (a new one is a lock on the type, and no enum knows an order of
steps); CHECK constraints for the steps (they cannot see the row before); a table of steps (a look-up on every change,
and one more thing to migrate); a foreign key from payment attempts to orders (a hosted payment page is paid before the
order exists).
Going back: drops the tables, every order with them.
Locks: none; all tables are new. Placing takes two index entries for idempotence besides the number's; an order with
three lines is about 3 KB.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0950"
down_revision = "2026_11_21_0940"
branch_labels = None
depends_on = None

# The same steps as in shared/orders/states.py and shared/payments/states.py; a test walks every pair through both.
# What stands before no ">" may be the state of a new row.
ORDER_STATUS = (">open", "open>completed", "open>canceled")
PAYMENT_STATUS = (
    ">pending",
    ">paid",
    *(f"pending>{after}" for after in ("authorized", "partially_paid", "paid", "failed", "voided")),
    *(f"authorized>{after}" for after in ("pending", "partially_paid", "paid", "failed", "voided")),
    "partially_paid>paid",
    *(f"failed>{after}" for after in ("pending", "authorized", "partially_paid", "paid", "voided")),
)
FULFILLMENT_STATUS = (
    ">unfulfilled",
    "unfulfilled>partially_fulfilled",
    "unfulfilled>fulfilled",
    "partially_fulfilled>fulfilled",
)
ATTEMPT_STATUS = (
    ">pending",
    ">authorized",
    *(f"pending>{after}" for after in ("authorized", "captured", "voided", "failed")),
    *(f"authorized>{after}" for after in ("captured", "voided", "failed")),
)


def upgrade() -> None:
    """Apply."""
    _make_orders()
    _make_lines()
    _make_fulfillments()
    _make_attempts()


def downgrade() -> None:
    """Take back."""
    for table in ("payment_attempts", "fulfillment_lines", "fulfillments", "order_lines", "orders"):
        op.execute(f"drop table {table}")


def _make_orders() -> None:
    op.execute("""
        create table orders (
            store_id uuid not null,
            id uuid not null,
            number bigint not null,
            checkout_id uuid,
            cart_id uuid,
            channel text not null,
            status text not null,
            payment_status text not null,
            fulfillment_status text not null,
            currency text not null,
            locale text not null,
            subtotal bigint not null,
            discount bigint not null,
            tax bigint not null,
            shipping bigint not null,
            shipping_tax bigint not null,
            total bigint not null,
            prices_include_tax boolean not null,
            trace jsonb not null,
            personal bytea,
            email_index bytea,
            phone_index bytea,
            cancel_reason text,
            canceled_at timestamptz,
            version bigint not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            constraint orders_number_key unique (store_id, number),
            constraint orders_checkout_key unique (store_id, checkout_id),
            constraint orders_cart_key unique (store_id, cart_id),
            constraint orders_channel_check check (channel in ('storefront', 'api')),
            constraint orders_amounts_check check (
                subtotal >= 0 and discount >= 0 and tax >= 0 and shipping >= 0 and shipping_tax >= 0 and total >= 0),
            constraint orders_canceled_check check ((status = 'canceled') = (canceled_at is not null)),
            constraint orders_canceled_unfulfilled_check check (
                status <> 'canceled' or fulfillment_status = 'unfulfilled'),
            constraint orders_completed_check check (
                status <> 'completed' or (payment_status = 'paid' and fulfillment_status = 'fulfilled'))
        )
    """)
    op.execute("create index orders_by_status on orders (store_id, status, created_at, id)")
    op.execute("create index orders_by_payment on orders (store_id, payment_status, created_at, id)")
    op.execute("create index orders_by_fulfillment on orders (store_id, fulfillment_status, created_at, id)")
    op.execute("create index orders_by_creation on orders (store_id, created_at, id)")
    op.execute("create index orders_by_email on orders (store_id, email_index) where email_index is not null")
    op.execute("create index orders_by_phone on orders (store_id, phone_index) where phone_index is not null")
    tenancy.protect("orders", rights=tenancy.APPEND_ONLY)
    op.execute(
        "grant update (status, payment_status, fulfillment_status, personal, email_index, phone_index, cancel_reason, "
        f"canceled_at, version, updated_at) on orders to {tenancy.APP}",
    )
    tenancy.allow_steps("orders", "status", ORDER_STATUS)
    tenancy.allow_steps("orders", "payment_status", PAYMENT_STATUS)
    tenancy.allow_steps("orders", "fulfillment_status", FULFILLMENT_STATUS)


def _make_lines() -> None:
    op.execute("""
        create table order_lines (
            store_id uuid not null,
            id uuid not null,
            order_id uuid not null,
            position bigint not null,
            variant_id uuid not null,
            product_id uuid not null,
            sku text not null,
            product_title text not null,
            variant_title text,
            requires_shipping boolean not null,
            quantity bigint not null,
            unit_price bigint not null,
            subtotal bigint not null,
            discount bigint not null,
            tax bigint not null,
            total bigint not null,
            trace jsonb not null,
            fulfilled bigint not null default 0,
            primary key (store_id, id),
            constraint order_lines_order_fkey foreign key (store_id, order_id) references orders (store_id, id),
            constraint order_lines_position_key unique (store_id, order_id, position),
            constraint order_lines_quantity_check check (quantity > 0),
            constraint order_lines_fulfilled_check check (fulfilled between 0 and quantity),
            constraint order_lines_amounts_check check (
                unit_price >= 0 and subtotal >= 0 and discount >= 0 and tax >= 0 and total >= 0)
        )
    """)
    tenancy.protect("order_lines", rights=tenancy.APPEND_ONLY)
    op.execute(f"grant update (fulfilled) on order_lines to {tenancy.APP}")


def _make_fulfillments() -> None:
    op.execute("""
        create table fulfillments (
            store_id uuid not null,
            id uuid not null,
            order_id uuid not null,
            tracking_number text,
            tracking_url text,
            created_at timestamptz not null,
            primary key (store_id, id),
            constraint fulfillments_order_fkey foreign key (store_id, order_id) references orders (store_id, id)
        )
    """)
    op.execute("create index fulfillments_by_order on fulfillments (store_id, order_id, id)")
    tenancy.protect("fulfillments", rights=tenancy.APPEND_ONLY)
    op.execute("""
        create table fulfillment_lines (
            store_id uuid not null,
            id uuid not null,
            fulfillment_id uuid not null,
            order_line_id uuid not null,
            quantity bigint not null,
            primary key (store_id, id),
            constraint fulfillment_lines_fulfillment_fkey foreign key (store_id, fulfillment_id)
                references fulfillments (store_id, id),
            constraint fulfillment_lines_order_line_fkey foreign key (store_id, order_line_id)
                references order_lines (store_id, id),
            constraint fulfillment_lines_once_key unique (store_id, fulfillment_id, order_line_id),
            constraint fulfillment_lines_quantity_check check (quantity > 0)
        )
    """)
    op.execute("create index fulfillment_lines_by_order_line on fulfillment_lines (store_id, order_line_id)")
    tenancy.protect("fulfillment_lines", rights=tenancy.APPEND_ONLY)


def _make_attempts() -> None:
    op.execute("""
        create table payment_attempts (
            store_id uuid not null,
            id uuid not null,
            order_id uuid not null,
            method text not null,
            status text not null,
            currency text not null,
            amount bigint not null,
            captured bigint not null default 0,
            provider_reference text,
            reason text,
            correlation_id text not null,
            version bigint not null,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            constraint payment_attempts_amounts_check check (amount > 0 and captured between 0 and amount),
            constraint payment_attempts_captured_check check ((status = 'captured') = (captured > 0))
        )
    """)
    op.execute("create index payment_attempts_by_order on payment_attempts (store_id, order_id, id)")
    # At most one attempt of an order is open at a time: two would be two payments.
    op.execute(
        "create unique index payment_attempts_one_open on payment_attempts (store_id, order_id) "
        "where status in ('pending', 'authorized')",
    )
    tenancy.protect("payment_attempts", rights=tenancy.APPEND_ONLY)
    op.execute(
        "grant update (status, captured, provider_reference, reason, version, updated_at) on payment_attempts "
        f"to {tenancy.APP}",
    )
    tenancy.allow_steps("payment_attempts", "status", ATTEMPT_STATUS)
