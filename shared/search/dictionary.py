"""The dictionary of a store: the words that its products are called by, for searches that misspell them.

A word is near another where both are the same less one letter, which finds every single slip, a swap of neighbours
included, by a look-up alone; where their trigrams are alike, which finds more slips in longer words; and where their
consonants are the same in the same order, which brings together what two scripts write differently: shirt and শার্ট.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import ids, tenancy
from shared.search import words

_SHORTEST = 4  # letters of a sound from which one may be missing: in a shorter one, that is another word
_LONGEST = 20
_BONES = "="  # prefix of consonants among the letters
_FEWEST_BONES = 3
_ANAGRAM = "@"  # prefix of the sorted letters of a short sound, in which only neighbours may have been swapped
_VOWELS = re.compile("[aeiouwh]")

# What is there already is not written again, and costs a look at the index. In the order of words, so that two who
# learn the same ones wait for each other and never in a circle.
_LEARN = text("""
with learnt as (
    insert into search_words (store_id, word, root, sound, near)
    select :store_id, word, root, sound, near
    from jsonb_to_recordset(cast(:words as jsonb)) as w (word text, root text, sound text, near text[])
    order by word
    on conflict do nothing
)
insert into search_groups as g (store_id, id, kind, name, slug, search)
select :store_id, id, kind, name, slug, cast(search as tsvector)
from jsonb_to_recordset(cast(:groups as jsonb)) as w (id uuid, kind text, name text, slug text, search text)
order by id
on conflict (store_id, id) do update set name = excluded.name, slug = excluded.slug, search = excluded.search
where (g.name, g.slug) is distinct from (excluded.name, excluded.slug)
""")

_COUNT = text("""
with present as (
    select word, count(*) as products
    from product_summaries s, unnest(string_to_array(s.words, ' ')) as word
    where s.store_id = :store_id group by word
), counted as (
    update search_words w set products = p.products from present p
    where w.store_id = :store_id and w.word = p.word and w.products <> p.products
), forgotten as (
    delete from search_words w where w.store_id = :store_id
    and not exists (select from present p where p.word = w.word)
)
select p.word from present p
where p.word <> '' and not exists (select from search_words w where w.store_id = :store_id and w.word = p.word)
order by p.word
""")


class Findable(Protocol):
    """What of a product's row is learnt from: its words, and its page's brand and categories."""

    @property
    def words(self) -> str:
        """Its learnable words, with spaces between."""

    @property
    def page(self) -> str:
        """Its page, as JSON."""


def learn(session: Session, rows: Iterable[Findable]) -> bool:
    """Add what products are called by, in the transaction that writes their rows. One statement.

    Words are only added here: what no product has any more goes when they are counted. Returns whether a brand or a
    category is suggested otherwise than before.
    """
    known: set[str] = set()
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        known.update(row.words.split())
        page = json.loads(row.page)
        for kind, prefix, found in (
            ("brand", "brand", [page["brand"]] if page["brand"] else []),
            ("category", "cat", page["categories"]),
        ):
            for one in found:
                groups[one["id"]] = {"kind": kind, "prefix": prefix, **one}
    if not known and not groups:
        return False
    return _write(session, sorted(known), [_group(one) for one in groups.values()]) > 0


def count(session: Session) -> int:
    """Count which words how many products have, and forget those that none has; return how many were missing.

    Reads every row of the store once: for the night.
    """
    missing = list(session.scalars(_COUNT, {"store_id": tenancy.require_store(session)}))
    if missing:
        _write(session, missing, [])
    return len(missing)


def entries(known: Iterable[str]) -> list[dict[str, Any]]:
    """Return the dictionary's entries of these words, as `search_words` holds them."""
    return [
        {"word": word, "root": words.stem(word), "sound": heard, "near": [*letters_left(heard), *bones(heard)]}
        for word in known
        if (heard := words.sound(word))
    ]


def letters_left(sound: str) -> list[str]:
    """Return what is looked up to find a sound's neighbours: itself, and what is left without one of its letters.

    Of three letters, its anagrams alone.
    """
    if not _SHORTEST <= len(sound) <= _LONGEST:
        return [sound, _ANAGRAM + "".join(sorted(sound))] if len(sound) == _SHORTEST - 1 else [sound]
    return sorted({sound, *(sound[:place] + sound[place + 1 :] for place in range(len(sound)))})


def bones(sound: str) -> list[str]:
    """Return a sound's consonants, marked as such; nothing where they are too few to tell words apart."""
    left = _VOWELS.sub("", sound)
    return [_BONES + left] if len(left) >= _FEWEST_BONES else []


def _group(one: dict[str, Any]) -> dict[str, Any]:
    group_id = ids.decode(one["prefix"], one["id"])
    search = words.found_by(title=one["name"]).search
    return {"id": str(group_id), "kind": one["kind"], "name": one["name"], "slug": one["slug"], "search": search}


def _write(session: Session, known: Sequence[str], groups: Sequence[dict[str, Any]]) -> int:
    """Return how many groups are new or called otherwise."""
    values = {"words": json.dumps(entries(known)), "groups": json.dumps(groups)}
    written = session.execute(_LEARN, {**values, "store_id": tenancy.require_store(session)})
    return int(getattr(written, "rowcount", 0))
