"""${message}.

Why:
Considered instead:
Going back:
Locks: what it locks, and for how long at a hundred million rows.
"""

from alembic import op

from migrations import tenancy

revision = "${up_revision}"
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.execute("set local lock_timeout = '4s'")


def downgrade() -> None:
    """Take back."""
