"""What shoppers searched in vain: for merchants, who learn what they lack or call otherwise.

A count a store, day and text, and nothing of who searched. What looks like an e-mail address, a phone number or a whole
message is not kept. An answer that the edge had already is not counted again, so the counts are a lower bound.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, queues, tenancy
from shared.search import words
from shared.search.finding_schemas import SearchMissList, SearchMissOut

QUEUE = "search-misses"
MOST_A_DAY = 500  # texts a store: a flood of nonsense fills a day and no disk; the counts of what is there go on
KEPT = timedelta(days=90)

_LONGEST = 60  # characters; a longer text is a message, not a search
_MOST_WORDS = 6
_MOST_DIGITS = 5  # six are the beginning of a phone number, or a code that somebody was sent

# At once with others that miss the same, it waits for one short commit. Two that begin a day's last place together may
# both have it.
_NOTE = text("""
insert into search_misses as m (store_id, day, text, times, last_at)
select :store_id, :day, :text, 1, :now
where exists (select from search_misses where store_id = :store_id and day = :day and text = :text)
   or (select count(*) from (
           select from search_misses where store_id = :store_id and day = :day limit :most) today) < :most
on conflict (store_id, day, text) do update set times = m.times + 1, last_at = excluded.last_at
""")

_REPORT = text("""
select text, cast(sum(times) as bigint) as times, max(last_at) as last_at
from search_misses where store_id = :store_id and day > :after
group by text order by times desc, last_at desc, text limit :most
""")


def note(session: Session, typed: str) -> None:
    """Have a search that found nothing counted, unless its text may be somebody's own.

    By a message after the answer's commit: who reads writes nothing. One that is lost, or comes twice, is a count that
    is off by one.
    """
    told = countable(typed)
    if told is not None:
        store_id = str(tenancy.require_store(session))
        queues.send_after_commit(session, QUEUE, {"store_id": store_id, "text": told})


def count(session: Session, told: str) -> None:
    """Count a search in vain, if any. One statement."""
    if not told:
        return
    now = clock.now()
    values = {"store_id": tenancy.require_store(session), "text": told, "most": MOST_A_DAY}
    session.execute(_NOTE, {**values, "day": now.date(), "now": now})


def countable(typed: str) -> str | None:
    """Return what is kept of a text; None where nothing may be."""
    found = words.words_in(typed)
    told = " ".join(found)
    digits = sum(letter.isdecimal() for letter in told)
    if not told or "@" in typed or digits > _MOST_DIGITS or len(typed.strip()) > _LONGEST or len(found) > _MOST_WORDS:
        return None
    return told


def report(session: Session, *, days: int, limit: int) -> SearchMissList:
    """Return what was searched in vain in the last days, the most frequent first; today counts as one of them.

    Reads at most `MOST_A_DAY` rows a day. One statement.
    """
    after = (clock.now() - timedelta(days=days)).date()
    values = {"store_id": tenancy.require_store(session), "after": after, "most": limit}
    rows: list[tuple[str, int, datetime]] = [tuple(row) for row in session.execute(_REPORT, values)]
    return SearchMissList(data=[SearchMissOut.of(row) for row in rows])
