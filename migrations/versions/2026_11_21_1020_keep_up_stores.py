"""Keep up stores: a look-up that pages through them, so that each is sent to its daily upkeep.

Why: what is soft-deleted, expired or already consumed is removed for good some time later, inside each store's own
scope; whoever sends the stores there belongs to none, and may see their ids and nothing else.
Considered instead: a look-up of the stores that have something to remove (it would read every table of every store,
and know all of them); removing across stores with the owner's rights (one mistake in it would be every tenant's).
Pages follow the primary key: a page of a thousand ids is one index range, whatever the number of stores.
Going back: drops the function.
Locks: none.
"""

from migrations import tenancy

revision = "2026_11_21_1020"
down_revision = "2026_11_21_1010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    tenancy.look_up_function(
        "stores_after(last uuid, most integer)",
        "setof uuid",
        "select id from stores where id > last order by id limit most",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("stores_after")
