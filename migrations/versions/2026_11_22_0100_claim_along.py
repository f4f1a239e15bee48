"""Claim a request along with its first statement: a request that comes once, as nearly all do, waits once less.

Why: the claim of an Idempotency-Key took a round trip of its own, since what follows must not happen where the key was
used before, and least of all wait for the locks of a first request that still runs. Raised by PostgreSQL, the refusal
stops whatever travels behind it in the same flush; the request then starts anew and asks, as all did until now.
Considered instead: a question whose answer the client looks at (what travels behind it would have happened, or waited).
Going back: drops the function. The code of before does not call it.
Locks: none.
"""

from alembic import op

revision = "2026_11_22_0100"
down_revision = "2026_11_21_1210"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    # Its parameters are named otherwise than the columns, so that neither hides the other.
    op.execute("""
        create function claim_request(
            store uuid, by_caller text, on_route text, under_key text, print bytea, until timestamptz,
            present timestamptz, lock text
        ) returns void language plpgsql as $function$
        begin
            if pg_try_advisory_xact_lock(hashtextextended(lock, 0)) then
                insert into idempotency_keys as k (store_id, caller, route, key, fingerprint, expires_at)
                values (store, by_caller, on_route, under_key, print, until)
                on conflict (store_id, caller, route, key) do update
                    set fingerprint = excluded.fingerprint, expires_at = excluded.expires_at,
                        status = null, answer = null
                    where k.expires_at <= present;
                if found then
                    return;
                end if;
            end if;
            raise exception 'this request was claimed before' using errcode = 'SC001';
        end
        $function$
    """)


def downgrade() -> None:
    """Take back."""
    op.execute("drop function claim_request")
