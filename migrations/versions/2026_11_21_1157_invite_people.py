"""Invite people: who was asked to join an organization, and as what.

Why: a member joins by a letter to an address that only its reader can answer. The row says what they will be; its
secret is kept as a digest, ends after seven days and serves once.
Considered instead: a member who waits to be confirmed (a row that must not count in every place where members do); a
signed token without a row (nobody could take it back); a foreign key to the role (a role that is deleted would need
its old invitations gone; an acceptance looks whether it is still there).
`access_of_organization` resolves what members may do by the same function that requests are resolved by, so that the
access review can't differ from what happens, nor a grant be judged by what was so a moment ago. Who may call that
function itself is narrowed to the other look-ups: it takes anybody's ids.
Going back: drops the invitations, open ones included; the letters that were sent lead nowhere.
Locks: `organization_members` for an instant, for a column without a default.
"""

from alembic import op

from migrations import tenancy

revision = "2026_11_21_1157"
down_revision = "2026_11_21_1156"
branch_labels = None
depends_on = None

_GRANTED = "lookup.granted(uuid, uuid, uuid, timestamptz)"


def upgrade() -> None:
    """Apply."""
    op.execute("alter table organization_members add column role_given_at timestamptz")  # none: when they joined
    op.execute("""
        create table invitations (
            organization_id uuid not null references organizations (id),
            id uuid not null,
            email bytea not null,
            email_index bytea not null,
            digest bytea not null unique,
            role text not null check (role in ('owner', 'admin', 'member', 'viewer', 'custom')),
            role_id uuid,
            store_ids uuid[],
            invited_by uuid not null,
            version bigint not null default 1,
            created_at timestamptz not null,
            updated_at timestamptz not null,
            expires_at timestamptz not null,
            accepted_at timestamptz,
            accepted_by uuid,
            revoked_at timestamptz,
            primary key (organization_id, id),
            check ((role = 'custom') = (role_id is not null)),
            check (role <> 'owner' or store_ids is null),
            check ((accepted_at is null) = (accepted_by is null)),
            check (accepted_at is null or revoked_at is null)
        )
    """)
    op.execute("""
        create unique index invitations_open on invitations (organization_id, email_index)
        where accepted_at is null and revoked_at is null
    """)
    tenancy.protect("invitations", store_column="organization_id")
    tenancy.let_look_up("invitations", ("organization_id", "id", "digest", "expires_at", "accepted_at", "revoked_at"))
    tenancy.look_up_function(
        "invitation(wanted_digest bytea, present timestamptz)",
        "table (organization_id uuid, id uuid)",
        """select i.organization_id, i.id from invitations i
           where i.digest = wanted_digest and i.accepted_at is null and i.revoked_at is null
             and i.expires_at > present""",
    )
    tenancy.look_up_function(
        "access_of_organization(organization uuid, person uuid, present timestamptz)",
        "table (member_id uuid, permissions text[], limits text[])",
        f"""begin {tenancy.require_bound_store("organization")}
            return query select m.id, g.permissions, g.limits from organization_members m
            cross join lateral lookup.granted(m.organization_id, m.user_id, null, present) g
            where m.organization_id = organization and (person is null or m.user_id = person)
            order by m.id; end""",
        language="plpgsql",
    )
    op.execute(f"revoke execute on function {_GRANTED} from {tenancy.APP}")


def downgrade() -> None:
    """Take back."""
    op.execute(f"grant execute on function {_GRANTED} to {tenancy.APP}")
    tenancy.drop_look_up_function("access_of_organization")
    tenancy.drop_look_up_function("invitation")
    op.execute("drop table invitations")
    op.execute("alter table organization_members drop column role_given_at")
