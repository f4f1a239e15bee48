"""What every table needs besides its columns: the tenant's locks, the application's rights, partitions.

A store-owned table gets row-level security, enabled and forced, with one policy that compares its store with the
transaction's `app.store_id`. NULLIF, since a transaction-local setting that was rolled off reads as '', not as NULL.
"""

from collections.abc import Sequence

from alembic import op

APP = "stormcom_app"
LOOKUP = "stormcom_lookup"
PRESENT_STORE = "nullif(current_setting('app.store_id', true), '')::uuid"

ALL = ("select", "insert", "update", "delete")
APPEND_ONLY = ("select", "insert")


def protect(table: str, *, rights: Sequence[str] = ALL, store_column: str = "store_id") -> None:
    """Close a store-owned table to every store but the bound one, and let the application in with these rights."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(
        f"create policy tenant on {table} for all to {APP} "
        f"using ({store_column} = {PRESENT_STORE}) with check ({store_column} = {PRESENT_STORE})",
    )
    allow(table, rights)


def allow(table: str, rights: Sequence[str]) -> None:
    """Let the application's role use a table. It never owns one, and never truncates one."""
    op.execute(f"grant {', '.join(rights)} on {table} to {APP}")


def allow_steps(table: str, column: str, steps: Sequence[str]) -> None:
    """Let a state column take these steps and no others: "before>after", and ">first" for what a row begins with."""
    told = ", ".join(f"'{step}'" for step in (column, *steps))
    op.execute(
        f"create trigger {table}_{column}_steps before insert or update of {column} on {table} "
        f"for each row execute function allow_steps({told})",
    )


def guard_steps(table: str, column: str, steps: Sequence[str]) -> None:
    """Let a state column take these steps and no others, as `allow_steps` does; only what is none of them is a call."""
    told = ", ".join(f"'{step}'" for step in (column, *steps))
    among = ", ".join(f"'{step}'" for step in steps)
    begins = f"coalesce('>' || new.{column} = any (array[{among}]), false)"
    goes_on = f"coalesce(old.{column} || '>' || new.{column} = any (array[{among}]), false)"
    for name, moment, condition in (
        ("begins", "insert", f"not {begins}"),
        ("steps", f"update of {column}", f"old.{column} is distinct from new.{column} and not {goes_on}"),
    ):
        op.execute(
            f"create trigger {table}_{column}_{name} before {moment} on {table} "
            f"for each row when ({condition}) execute function allow_steps({told})",
        )


def let_look_up(table: str, columns: Sequence[str]) -> None:
    """Let the look-up functions' role read these columns of every store's rows (see decisions in `lookup`)."""
    op.execute(f"grant select ({', '.join(columns)}) on {table} to {LOOKUP}")
    op.execute(f"create policy lookup on {table} for select to {LOOKUP} using (true)")


def look_up_function(signature: str, returns: str, body: str, *, language: str = "sql") -> None:
    """Create a look-up across stores in schema `lookup`: one SQL statement that returns the narrowest thing.

    In `plpgsql` where the statement depends on what is asked for. Which store is meant, a function that takes one is
    told by the caller and makes sure of: `require_bound_store`.

    It runs as `stormcom_lookup`, a role that nobody can log in as; FORCE row-level security would show the tables'
    owner nothing. Ids and scopes come out, never a tenant's rows.
    """
    op.execute(
        f"create function lookup.{signature} returns {returns} language {language} stable security definer "
        f"set search_path = public, pg_temp as $function$ {body} $function$",
    )
    name = signature.split("(", 1)[0]
    op.execute(f"revoke all on function lookup.{name} from public")
    op.execute(f"grant execute on function lookup.{name} to {APP}")
    op.execute(f"alter function lookup.{name} owner to {LOOKUP}")


def require_bound_store(parameter: str) -> str:
    """Return the plpgsql statement by which a look-up refuses every store but the transaction's own."""
    return (
        f"if {parameter} is distinct from {PRESENT_STORE} then "
        "raise insufficient_privilege using message = 'another store'; end if;"
    )


def drop_look_up_function(name: str) -> None:
    """Take a look-up function back."""
    op.execute(f"drop function lookup.{name}")


def partition_by_month(table: str) -> None:
    """Register a log for monthly partitions by its UUIDv7 id, and make the first: this month and the next three.

    The default partition holds what falls outside; a healthy system keeps it empty, since a schedule makes the months
    ahead (`upkeep.make_partitions`).
    """
    op.execute(f"create table {table}_default partition of {table} default")
    op.execute(f"insert into upkeep.partitioned (name) values ('{table}')")
    op.execute(f"select upkeep.make_partitions_of('{table}', 3)")


def forget_partitions(table: str) -> None:
    """Take a log's registration back."""
    op.execute(f"delete from upkeep.partitioned where name = '{table}'")
