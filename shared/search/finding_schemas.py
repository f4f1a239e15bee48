"""What searching answers: products found, suggestions while somebody types, and for merchants what nobody found."""

from datetime import datetime
from typing import Self

from pydantic import Field

from shared.core.paging import Page
from shared.core.schemas import Schema
from shared.search.schemas import ProductCard, ShownBrand, ShownCategory


class SearchList(Page[ProductCard]):
    """One page of what a search found, the best first; some hundreds on all pages together at most."""

    did_you_mean: str | None = Field(description="What was searched for instead, where nothing bore a word as typed.")
    all_words: bool = Field(description="False: nothing has all of the words, so this has the most of them.")


class Suggestions(Schema):
    """What may be meant by what somebody types."""

    products: list[ProductCard]
    categories: list[ShownCategory]
    brands: list[ShownBrand]
    did_you_mean: str | None


class SearchMissOut(Schema):
    """What was searched and not found."""

    text: str = Field(description="As it was compared: lower case, without punctuation.")
    times: int
    last_at: datetime

    @classmethod
    def of(cls, row: tuple[str, int, datetime]) -> Self:
        """Present a line of the report."""
        text, times, last_at = row
        return cls(text=text, times=times, last_at=last_at)


class SearchMissList(Schema):
    """What shoppers searched in vain, the most frequent first."""

    data: list[SearchMissOut]
