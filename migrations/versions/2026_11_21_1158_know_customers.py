"""Know customers: their accounts in a store, addresses, sessions and codes; orders that belong to one.

Why: a shopper who comes back wants their orders and addresses, and signs in by phone as often as by e-mail. A contact
belongs to the account that has proven it, among those of one store that are not deleted: an address that nobody proved
is in nobody's way, so none can be squatted. An account comes into being with its first proof; until then there is a
row of `customer_codes`, which goes after a day.
A session is a row; each renewal adds a pair of tokens to it, so that one that is used a second time is still known, and
ends the whole session. Access is looked up before the tenant is bound, by its digest, and is over the moment that its
session, its customer or its own quarter of an hour is.
Considered instead: customers as users with many stores (a customer of one store would be known in another); signed
tokens without rows (revoked only when they expire); the last refresh token alone on the session (an older one that a
thief sends would look like any made-up text); a table of who owns which order (a second place for one fact).
Orders that are there have the blind indexes of their contact since the first day, so the accounts to come can claim
them; nothing is filled in.
Going back: drops the tables with every account, and which orders belonged to them.
Locks: `orders` for an instant, for a column without a default, and against writing while its index is made: one pass
over the table, though the index is partial and empty at first; on a large table it is to be made CONCURRENTLY before.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1158"
down_revision = "2026_11_21_1157"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    _make_customers()
    _make_addresses()
    _make_sessions()
    _make_codes()
    op.execute("alter table orders add column customer_id uuid")
    op.execute(f"grant update (customer_id) on orders to {tenancy.APP}")
    op.execute(
        "create index orders_by_customer on orders (store_id, customer_id, created_at, id) "
        "where customer_id is not null"
    )
    tenancy.let_look_up("customers", ("store_id", "id", "status", "deleted_at"))
    tenancy.let_look_up("customer_sessions", ("store_id", "id", "customer_id", "proven_at", "expires_at", "ended_at"))
    tenancy.let_look_up("customer_tokens", ("store_id", "session_id", "access_digest", "access_expires_at"))
    tenancy.look_up_function(
        "customer_session(wanted_digest bytea, present timestamptz)",
        "table (store_id uuid, customer_id uuid, id uuid, proven_at timestamptz)",
        """select s.store_id, s.customer_id, s.id, s.proven_at
           from customer_tokens t
           join customer_sessions s on s.store_id = t.store_id and s.id = t.session_id
           join customers c on c.store_id = s.store_id and c.id = s.customer_id
           where t.access_digest = wanted_digest and t.access_expires_at > present
             and s.ended_at is null and s.expires_at > present
             and c.status = 'active' and c.deleted_at is null""",
    )


def downgrade() -> None:
    """Take back."""
    tenancy.drop_look_up_function("customer_session")
    op.execute("drop index orders_by_customer")
    op.execute("alter table orders drop column customer_id")
    for table in ("customer_codes", "customer_tokens", "customer_sessions", "customer_addresses", "customers"):
        op.execute(f"drop table {table}")


def _make_customers() -> None:
    op.execute("""
        create table customers (
            store_id uuid not null,
            id uuid not null,
            name bytea,
            email bytea,
            email_index bytea,
            email_verified_at timestamptz,
            phone bytea,
            phone_index bytea,
            phone_verified_at timestamptz,
            locale text,
            password_digest bytea,
            password_changed_at timestamptz,
            status text not null default 'active',
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            deleted_at timestamptz,
            primary key (store_id, id),
            constraint customers_status_check check (status in ('active', 'disabled'))
        )
    """)
    for contact in ("email", "phone"):
        op.execute(
            f"create unique index customers_by_{contact} on customers (store_id, {contact}_index) "
            f"where {contact}_verified_at is not null and deleted_at is null"
        )
    op.execute("create index customers_by_creation on customers (store_id, created_at, id)")
    tenancy.protect("customers")


def _make_addresses() -> None:
    op.execute("""
        create table customer_addresses (
            store_id uuid not null,
            id uuid not null,
            customer_id uuid not null,
            personal bytea not null,
            is_default boolean not null,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            primary key (store_id, id),
            constraint customer_addresses_customer_fkey
                foreign key (store_id, customer_id) references customers (store_id, id)
        )
    """)
    op.execute("create index customer_addresses_by_customer on customer_addresses (store_id, customer_id, id)")
    op.execute(
        "create unique index customer_addresses_one_default on customer_addresses (store_id, customer_id) "
        "where is_default"
    )
    tenancy.protect("customer_addresses")


def _make_sessions() -> None:
    op.execute("""
        create table customer_sessions (
            store_id uuid not null,
            id uuid not null,
            customer_id uuid not null,
            proven_by text not null,
            proven_at timestamptz not null,
            created_at timestamptz not null,
            refreshed_at timestamptz not null,
            expires_at timestamptz not null,
            ended_at timestamptz,
            ended_because text,
            address bytea,
            user_agent text,
            primary key (store_id, id),
            constraint customer_sessions_customer_fkey
                foreign key (store_id, customer_id) references customers (store_id, id),
            constraint customer_sessions_proven_by_check check (proven_by in ('code', 'password')),
            constraint customer_sessions_ended_check check ((ended_at is null) = (ended_because is null))
        )
    """)
    op.execute("create index customer_sessions_by_customer on customer_sessions (store_id, customer_id, id)")
    tenancy.protect("customer_sessions")
    op.execute("""
        create table customer_tokens (
            store_id uuid not null,
            id uuid not null,
            session_id uuid not null,
            access_digest bytea not null,
            access_expires_at timestamptz not null,
            refresh_digest bytea not null,
            created_at timestamptz not null,
            used_at timestamptz,
            primary key (store_id, id),
            constraint customer_tokens_session_fkey
                foreign key (store_id, session_id) references customer_sessions (store_id, id),
            constraint customer_tokens_access_key unique (access_digest),
            constraint customer_tokens_refresh_key unique (store_id, refresh_digest)
        )
    """)
    op.execute("create index customer_tokens_by_session on customer_tokens (store_id, session_id)")
    tenancy.protect("customer_tokens")


def _make_codes() -> None:
    op.execute("""
        create table customer_codes (
            store_id uuid not null,
            id uuid not null,
            purpose text not null,
            customer_id uuid,
            personal bytea not null,
            digest bytea not null,
            tries bigint not null default 0,
            created_at timestamptz not null,
            expires_at timestamptz not null,
            used_at timestamptz,
            primary key (store_id, id),
            constraint customer_codes_purpose_check check (purpose in ('sign_in', 'contact')),
            constraint customer_codes_customer_check check ((purpose = 'contact') = (customer_id is not null)),
            constraint customer_codes_tries_check check (tries between 0 and 5)
        )
    """)
    tenancy.protect("customer_codes")
