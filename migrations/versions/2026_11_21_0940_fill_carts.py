"""Fill carts: what guests mean to buy.

Why: a cart is one row with its lines in it. Every change is one conditional update whose expressions PostgreSQL
evaluates on the newest version of the row, so two tabs that add at the same moment both get their line, and the answer
shows both. CHECKs hold the limits of lines and quantities, a trigger the steps of a cart's life.
Considered instead: a table of lines (a statement that changes a line and returns the cart cannot see what another
committed while it waited for the row; locking first costs a statement in every purchase); the guest's token in clear
(a copy of the database would open every cart); deleting carts that become orders (they tell what was abandoned from
what was bought).
Lines have no foreign key to variants: a forgotten cart must not keep a product from being purged.
Going back: drops the table; every cart with it.
Locks: none; the table is new.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_0940"
down_revision = "2026_11_21_0930"
branch_labels = None
depends_on = None

# As shared/carts/states.py has them; a test walks every pair through both.
STATE = (
    ">active",
    "active>abandoned",
    "active>converted",
    "active>expired",
    "abandoned>active",
    "abandoned>converted",
    "abandoned>expired",
)


def upgrade() -> None:
    """Apply."""
    op.execute("""
        create table carts (
            store_id uuid not null,
            id uuid not null,
            token_digest bytea not null,
            state text not null default 'active',
            lines jsonb not null default '[]',
            contents_version bigint not null default 1,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            due_at timestamptz,
            primary key (store_id, id),
            constraint carts_state_is_known check (state in ('active', 'abandoned', 'converted', 'expired')),
            constraint carts_due_while_open check ((state in ('active', 'abandoned')) = (due_at is not null)),
            constraint carts_lines_are_few check (jsonb_array_length(lines) <= 100),
            constraint carts_quantities_are_in_bounds check (
                not jsonb_path_exists(lines, '$[*] ? (!(@.quantity >= 1 && @.quantity <= 1000))'))
        ) with (fillfactor = 70)
    """)
    op.execute("create index carts_by_state on carts (store_id, state, id)")
    op.execute("create index carts_due on carts (due_at, store_id) where due_at is not null")
    tenancy.protect("carts")
    tenancy.allow_steps("carts", "state", STATE)
    tenancy.let_look_up("carts", ("store_id", "due_at"))
    # A store comes once for each batch of its due carts: that many messages are sent, and work side by side.
    tenancy.look_up_function(
        "stores_with_due_carts(present timestamptz, batch integer, most integer)",
        "setof uuid",
        """select store_id from (
               select store_id, row_number() over (partition by store_id) as number
               from (select store_id from carts where due_at <= present order by due_at limit most) as due
           ) as numbered
           where (number - 1) % batch = 0""",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_with_due_carts")
    op.execute("drop table carts")
