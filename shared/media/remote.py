"""Pictures that lie elsewhere: asked for by their address, fetched later by a worker."""

import hashlib
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, ids, outside, tenancy

# What was fetched in vain is queued again: who asks again has perhaps mended the address. In the order of the keys, so
# that two imports of the same pictures do not wait for each other in a circle.
_REQUEST = text("""
with wanted as (
    select * from unnest(cast(:ids as uuid[]), cast(:urls as text[]), cast(:keys as uuid[])) as w(id, url, key)
), made as (
    insert into media_assets (
        store_id, id, status, source, source_url, source_key, due_at, created_at, updated_at
    )
    select :store_id, w.id, 'queued', 'remote', w.url, w.key, :now, :now, :now
    from wanted w
    where not exists (
        select from media_assets m where m.store_id = :store_id and m.source_key = w.key and m.deleted_at is null
    )
    order by w.key
    on conflict (store_id, source_key) where source_key is not null and deleted_at is null do nothing
    returning id, source_key
), vain as materialized (
    select m.id from media_assets m join wanted w on m.source_key = w.key
    where m.store_id = :store_id and m.deleted_at is null and m.status in ('refused', 'failed')
    order by m.id for no key update of m
), again as (
    update media_assets m
    set status = 'queued', attempts = 0, refusal = null, due_at = :now, updated_at = :now, version = m.version + 1
    from vain v where m.store_id = :store_id and m.id = v.id and m.status in ('refused', 'failed')
)
select id, source_key from made
union all
select m.id, m.source_key from media_assets m join wanted w on m.source_key = w.key
where m.store_id = :store_id and m.deleted_at is null
""")


def request_fetches(session: Session, urls: Collection[str]) -> dict[str, UUID]:
    """Return the picture of each address, made where the store has none of it; nothing is fetched here.

    An address that no server could be asked by (no http or https, credentials in it, another port than the usual) is
    missing in the answer. One statement for hundreds of addresses; another one if somebody asks for the same at this
    moment. A worker fetches within minutes, and `media.ready`, `media.refused` or `media.failed` tells what came of it.
    No audit entry is made: that of the product names the picture.
    """
    keys = {url: _key(url) for url in urls if outside.could_be_asked(url)}
    found: dict[UUID, UUID] = {}
    for _ in range(2):  # what another transaction has just made is not seen by the statement that ran into it
        missing = {key: url for url, key in keys.items() if key not in found}
        if not missing:
            break
        values = {
            "store_id": tenancy.require_store(session),
            "ids": [ids.new_id() for _ in missing],
            "urls": [url.strip() for url in missing.values()],
            "keys": list(missing),
            "now": clock.now(),
        }
        found |= {row.source_key: row.id for row in session.execute(_REQUEST, values)}
    return {url: found[key] for url, key in keys.items()}


def _key(url: str) -> UUID:
    return UUID(bytes=hashlib.sha256(url.strip().encode()).digest()[:16])
