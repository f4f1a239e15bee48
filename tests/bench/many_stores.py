"""Many stores in seconds: likenesses of one store, written by sets, each with keys of its own.

As superuser, past row-level security and the capabilities: no event, audit entry or job comes of it. What a likeness
has in its tables is what the store has, ids included, since they are unique within a store alone.
"""

import json
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from shared.core import credentials, ids
from tests.factories import StoreUnderTest

# Logs of what happened in the store itself, and its credentials, which are written one by one.
_NOT_COPIED = ("audit_entries", "credentials", "domain_events", "idempotency_keys", "outbox")

_TABLES = """
select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ' order by a.attnum),
       string_agg('t.' || quote_ident(a.attname), ', ' order by a.attnum)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and a.attname <> 'store_id'
where c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all(:skipped)
  and exists (select from pg_attribute o where o.attrelid = c.oid and o.attname = 'store_id')
group by c.oid
"""
_NEW = """
create temporary table likenesses on commit drop as
select * from json_to_recordset(cast(:stores as json)) as t (
    place int, id uuid, pk_id uuid, pk text, pk_digest text, sk_id uuid, sk text, sk_digest text
)
"""
_STORES = """
insert into stores (id, organization_id, slug, name, status, currency, locale, time_zone, country, allowed_origins,
                    settings, version, created_at, updated_at)
select l.id, s.organization_id, s.slug || '-' || l.place, s.name || ' ' || l.place, s.status, s.currency, s.locale,
       s.time_zone, s.country, s.allowed_origins, s.settings, 1, s.created_at, s.updated_at
from stores s, likenesses l where s.id = :store order by l.id
"""
_CREDENTIALS = """
insert into credentials (store_id, id, kind, name, digest, publishable_key, last_four, scopes, version, created_at)
select l.id, case c.kind when 'pk' then l.pk_id else l.sk_id end, c.kind, c.name,
       decode(case c.kind when 'pk' then l.pk_digest else l.sk_digest end, 'hex'),
       case c.kind when 'pk' then l.pk end, right(case c.kind when 'pk' then l.pk else l.sk end, 4), c.scopes, 1,
       c.created_at
from credentials c, likenesses l where c.store_id = :store order by l.id
"""
_COPY = """
insert into {0} (store_id, {1}) select l.id, {2} from {0} t, likenesses l where t.store_id = :store order by l.id
"""


def multiply(superuser_url: str, store: StoreUnderTest, *, number: int) -> tuple[StoreUnderTest, ...]:
    """Make likenesses of a store, so that there are so many with it; return all of them."""
    keys = [(ids.new_id(), credentials.generate("pk"), credentials.generate("sk")) for _ in range(number - 1)]
    engine = create_engine(superuser_url.replace("postgresql://", "postgresql+pg8000://", 1), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))  # copies need no second check
        rows = [_row(place, *key) for place, key in enumerate(keys)]
        connection.execute(text(_NEW), {"stores": json.dumps(rows)})
        connection.execute(text(_STORES), {"store": store.id})
        connection.execute(text(_CREDENTIALS), {"store": store.id})
        filled = ["stores", "credentials"]
        for table, columns, theirs in connection.execute(text(_TABLES), {"skipped": list(_NOT_COPIED)}).all():
            if connection.execute(text(_COPY.format(table, columns, theirs)), {"store": store.id}).rowcount:
                filled.append(table)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As an old database is: no load pays for what seeding left. What is empty is left out: of a table that it knows
        # to be empty PostgreSQL keeps plans that read it from its beginning, until somebody analyzes it anew.
        connection.execute(text(f"vacuum analyze {', '.join(filled)}"))
        connection.execute(text("checkpoint"))
    engine.dispose()
    likenesses = (
        StoreUnderTest(store_id, f"{store.slug}-{place}", publishable, secret, store.variants)
        for place, (store_id, publishable, secret) in enumerate(keys)
    )
    return store, *likenesses


def _row(place: int, store_id: UUID, publishable: str, secret: str) -> dict[str, object]:
    return {
        "place": place,
        "id": str(store_id),
        "pk_id": str(ids.new_id()),
        "pk": publishable,
        "pk_digest": credentials.digest(publishable).hex(),
        "sk_id": str(ids.new_id()),
        "sk": secret,
        "sk_digest": credentials.digest(secret).hex(),
    }
