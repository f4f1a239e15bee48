"""Keep stock: levels, the history of their adjustments, and the reservations of checkouts.

Why: no two shoppers may be sold the last unit. The level is one row a variant, changed by conditional updates that lock
rows in the order of variants; the CHECKs beneath refuse what no code may do. Every change of what is on hand is an
adjustment, so that the history rebuilds the level; every unit that is reserved stands in a reservation with an end.
The CHECKs hold what is true of a shelf: nobody reserves more than there is, unless backorders are allowed. Safety stock
is a rule of selling and stands in the condition of every sale; in the CHECK it would keep a merchant from writing off
a broken unit, or from raising the safety stock of a product that is nearly sold.
Considered instead: one row a unit (a thousand rows for a thousand mugs, worth it above 500 orders a second on one SKU);
availability computed from reservations alone (each sale would count them under a lock that nothing holds); a stock
column of the variant (each sale would write the row that every listing reads).
Adjustments have no foreign key: they are history, and outlive a variant that is purged.
Going back: drops the tables; stock and its history with them.
Locks: none; all tables are new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0930"
down_revision = "2026_11_21_0920"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _make_levels()
    _make_adjustments()
    _make_reservations()
    _make_look_ups()


def downgrade() -> None:
    """Take back."""
    for name in ("stores_with_expired_reservations", "stores_with_stock"):
        tenancy.drop_look_up_function(name)
    tenancy.forget_partitions("inventory_adjustments")
    for table in ("stock_reservations", "inventory_adjustments", "stock_levels"):
        op.execute(f"drop table {table}")


def _make_levels() -> None:
    op.execute("""
        create table stock_levels (
            store_id uuid not null,
            id uuid not null,
            variant_id uuid not null,
            on_hand bigint not null default 0,
            reserved bigint not null default 0,
            safety_stock bigint not null default 0,
            allow_backorder boolean not null default false,
            low_stock_threshold bigint,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, variant_id),
            foreign key (store_id, variant_id) references variants (store_id, id) on delete cascade,
            constraint stock_levels_reserved_is_not_negative check (reserved >= 0),
            constraint stock_levels_safety_stock_is_not_negative check (safety_stock >= 0),
            constraint stock_levels_threshold_is_not_negative check (low_stock_threshold >= 0),
            constraint stock_levels_on_hand_is_not_negative check (allow_backorder or on_hand >= 0),
            constraint stock_levels_reserved_is_on_hand check (allow_backorder or reserved <= on_hand)
        ) with (fillfactor = 70)
    """)
    op.execute("create index stock_levels_low on stock_levels (store_id, id) where on_hand <= low_stock_threshold")
    tenancy.protect("stock_levels")


def _make_adjustments() -> None:
    op.execute("""
        create table inventory_adjustments (
            store_id uuid not null,
            id uuid not null,
            variant_id uuid not null,
            kind text not null,
            delta bigint not null,
            on_hand bigint not null,
            level_version bigint not null,
            reason text not null default '',
            order_id uuid,
            actor_kind text not null,
            actor_id text,
            correlation_id text not null,
            at timestamptz not null,
            primary key (store_id, id),
            constraint inventory_adjustments_kind_is_known
                check (kind in ('sale', 'return', 'manual', 'correction', 'initial', 'import')),
            constraint inventory_adjustments_delta_changes_something check (delta <> 0)
        ) partition by range (id)
    """)
    op.execute("create index inventory_adjustments_by_variant on inventory_adjustments (store_id, variant_id, id)")
    op.execute(
        "create index inventory_adjustments_by_order on inventory_adjustments (store_id, order_id) "
        "where order_id is not null",
    )
    tenancy.protect("inventory_adjustments", rights=tenancy.APPEND_ONLY)
    tenancy.partition_by_month("inventory_adjustments")


def _make_reservations() -> None:
    op.execute("""
        create table stock_reservations (
            store_id uuid not null,
            id uuid not null,
            holder_id uuid not null,
            variant_id uuid not null,
            quantity bigint not null,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            primary key (store_id, id),
            unique (store_id, holder_id, variant_id),
            foreign key (store_id, variant_id) references stock_levels (store_id, variant_id) on delete cascade,
            constraint stock_reservations_quantity_is_positive check (quantity > 0)
        )
    """)
    op.execute(
        "create index stock_reservations_by_variant on stock_reservations (store_id, variant_id, expires_at)",
    )
    op.execute("create index stock_reservations_by_expiry on stock_reservations (expires_at, store_id)")
    tenancy.protect("stock_reservations")


def _make_look_ups() -> None:
    tenancy.let_look_up("stock_reservations", ("store_id", "expires_at"))
    # A store comes once for each batch of its expired reservations: that many messages are sent, and work side by side.
    tenancy.look_up_function(
        "stores_with_expired_reservations(present timestamptz, batch integer, most integer)",
        "setof uuid",
        """select store_id from (
               select store_id, row_number() over (partition by store_id) as number
               from (select store_id from stock_reservations where expires_at <= present
                     order by expires_at limit most) as due
           ) as numbered
           where (number - 1) % batch = 0""",
    )
    tenancy.let_look_up("stock_levels", ("store_id",))
    # Hops from store to store along the primary key, since DISTINCT would read every level of every store.
    tenancy.look_up_function(
        "stores_with_stock(after uuid, most integer)",
        "setof uuid",
        """with recursive hop (store_id) as (
               (select store_id from stock_levels where store_id > after order by store_id limit 1)
               union all
               select next.store_id from hop cross join lateral (
                   select store_id from stock_levels where store_id > hop.store_id order by store_id limit 1) as next
           )
           select store_id from hop limit most""",
    )
