"""Finding products by what a shopper types, in Bengali or English, misspelt or not. One statement a search.

All words have to stand somewhere in a product: as they were typed, by their stem, or by their sound; the last one may
be a beginning, since people search while they type. What stands in the title comes before what stands in brand,
categories, tags and codes, and that before what only the description says; whatever bears the typed code itself comes
first. Among equals, what is in stock comes first, then what sells.

A word that no product has is taken for the nearest ones of the store's dictionary, and if then no product has all of
the words, those that have the most of them are shown; the answer says so. How it is done, `lookup.find_products` says.

It ranks some hundreds of candidates, never all that match. Where a word is in the titles of more than `MOST` products,
`MOST` of those are looked at, of what stands in front (`selling.FRONT`) before the others, and of the store's `MOST`
bestsellers all that have it; to the rest filters lead.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.search import dictionary, words

MOST = 150  # candidates of each place that `lookup.find_products` looks in; a search finds three times that at most
MOST_WORDS = 10
LONGEST_TEXT = 200  # characters

_SHORTEST_BEGINNING = 3  # letters that a last word needs to be taken for a beginning; of digits one more

_MOST_PARTS = 3  # of a word that somebody wrote in several

# Words that say nothing of a product, unless a search has no others.
_SMALL = frozenset(words.words_in("a an and for from in of on or the to with এর জন্য ও এবং এই সে কি র"))

_FIND = text("""
with found as materialized (
    select * from lookup.find_products(
        :store_id, cast(:asked as jsonb), cast(:wanted as jsonb), cast(:skipped as integer), cast(:limit as integer))
)
select string_agg(s.card, ',' order by f.place) as cards, count(*) as shown, coalesce(max(f.total), 0) as total,
       max(f.meant) as meant, bool_and(f.whole) as whole
from found f join product_summaries s on s.store_id = :store_id and s.id = f.id
""")


@dataclass(frozen=True)
class Found:
    """One page of what a search found."""

    cards: str  # JSON, with commas between
    shown: int
    total: int  # on all pages together; three times `MOST` at most
    meant: str | None  # what was searched for instead of what was typed
    whole: bool  # all words were found, and not only some of them


def find(session: Session, typed: str, *, wanted: str, skipped: int, limit: int) -> Found:
    """Return the cards of what a text finds, the best first, after the first `skipped` ones. One statement at most.

    `wanted`: what it is narrowed to, as `narrowing.Wanted.as_json` gives it.
    """
    asked = read(typed)
    if asked is None:
        return Found(cards="", shown=0, total=0, meant=None, whole=True)
    values = {"asked": json.dumps(asked), "wanted": wanted, "skipped": skipped, "limit": limit}
    (row,) = tenancy.read(session, _FIND, {**values, "store_id": tenancy.require_store(session)})
    return Found(row.cards or "", row.shown, row.total, meant(asked, row.meant), whole=row.whole is not False)


def meant(asked: dict[str, Any], used: list[str] | None) -> str | None:
    """Return what was searched for, where that is not what was asked for."""
    typed = [one["said"] for one in asked["words"]]
    return None if used is None or used == typed else " ".join(used)


def read(typed: str) -> dict[str, Any] | None:
    """Return what is asked for, as `lookup.find_products` understands it; nothing where no word is in it."""
    chunks = words.chunks_in(typed[:LONGEST_TEXT])
    telling = [chunk for chunk in chunks if "".join(chunk) not in _SMALL] or chunks
    if not telling:
        return None
    telling = telling[:MOST_WORDS]
    last = len(telling) - 1
    return {
        "words": [_word(chunk, beginning=place == last) for place, chunk in enumerate(telling)],
        "code": _in_one(chunks),
    }


def _in_one(chunks: list[list[str]]) -> str:
    """Write that the whole text is a code; or, where it is short, one word that was written in two: tooth brush."""
    joined = "".join(piece for chunk in chunks for piece in chunk)[: words.LONGEST_WORD]
    code = _lexeme(words.CODE + joined, "")
    if not 1 < len(chunks) <= _MOST_PARTS:
        return code
    return f"{code} | {_Piece(joined, beginning=False).form('named')}"


def _word(chunk: list[str], *, beginning: bool) -> dict[str, Any]:
    """Write what one chunk asks for: its pieces all together, or the whole in one."""
    pieces = [_Piece(piece, beginning=beginning and place == len(chunk) - 1) for place, piece in enumerate(chunk)]
    joined = "".join(chunk)[: words.LONGEST_WORD]
    whole = _Piece(joined, beginning=beginning) if len(chunk) > 1 else None
    heard = words.sound(joined)
    return {
        "said": joined,
        "sound": heard,
        "near": dictionary.letters_left(heard) if heard else [],
        "bones": dictionary.bones(heard),
        **{form: _either(form, pieces, whole) for form in _FORMS},
    }


def _either(form: str, pieces: "list[_Piece]", whole: "_Piece | None") -> str:
    together = " & ".join(f"({piece.form(form)})" for piece in pieces)
    return together if whole is None else f"{together} | {whole.form(form)}"


_FORMS = ("plain", "named", "title", "exact", "exact_title", "exact_named")


class _Piece:
    """A word of the search. Nothing of it has to be escaped: it holds letters, signs and digits alone."""

    def __init__(self, word: str, *, beginning: bool) -> None:
        self._root = words.stem(word)
        self._heard = words.sound(word)
        shortest = _SHORTEST_BEGINNING + word.isdecimal()
        self._rest = "*" if beginning and len(self._heard or word) >= shortest else ""

    def form(self, form: str) -> str:
        """Write it as a tsquery: anywhere, among title and names, or in the title; by its sound too, or exactly."""
        match form:
            case "exact" | "exact_title" | "exact_named":
                return _lexeme(self._root, {"exact_title": "A", "exact_named": "AB"}.get(form, ""))
            case "title":
                return _lexeme(words.TITLE + (self._heard or self._root), self._rest)
            case _:
                suffix = self._rest + ("AB" if form == "named" else "")
                heard = [_lexeme(words.SOUND + self._heard, suffix)] if self._heard else []
                return " | ".join([_lexeme(self._root, suffix), *heard])


def _lexeme(lexeme: str, suffix: str) -> str:
    return f"'{lexeme}':{suffix}" if suffix else f"'{lexeme}'"
