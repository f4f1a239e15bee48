"""The read model that shoppers are served from, what searching rests on, and what the edge has to forget."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.lives import Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned


class ProductSummary(StoreOwned, Base):
    """A product that is on sale, ready to be shown; `id` is the product's. None of a draft or a deleted one.

    Made of other tables and never the truth: a backfill makes all of it again. A row a product; 3 kB a row.
    """

    __tablename__ = "product_summaries"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)
    __table_args__ = (
        ForeignKeyConstraint(["store_id", "id"], ["products.store_id", "products.id"], ondelete="CASCADE"),
        Index("product_summaries_by_slug", "store_id", "slug"),
        Index("product_summaries_by_age", "store_id", "published_at", "id"),
        Index("product_summaries_by_price", "store_id", "price", "id"),
        Index("product_summaries_by_name", "store_id", "sort_name", "id"),
        Index("product_summaries_by_sales", "store_id", "sold", "id"),
        Index("product_summaries_by_terms", "store_id", "terms", postgresql_using="gin"),
        Index("product_summaries_by_key", text("search_keys(store_id, front, search)"), postgresql_using="gin"),
    )

    slug: Mapped[str]  # of a moment ago: for a second, two may have one, and the fresher one has it
    title: Mapped[str]
    sort_name: Mapped[str]  # the title as it is compared
    currency: Mapped[str]
    price: Mapped[int]  # of its cheapest variant; minor units
    highest_price: Mapped[int]
    in_stock: Mapped[bool]  # some variant can be had
    sold: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # units of the last 90 days
    front: Mapped[bool] = mapped_column(default=True, server_default=text("true"))  # new, or among the bestsellers
    published_at: Mapped[datetime]
    terms: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))
    categories: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"))  # those it stands on
    numbers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # attribute's code -> digits
    words: Mapped[str]  # what it teaches the store's dictionary, with spaces between
    search: Mapped[Any] = mapped_column(TSVECTOR)
    card: Mapped[str]  # JSON as a list shows it
    page: Mapped[str]  # JSON as its own page shows it
    source: Mapped[bytes]  # digest of what it was made of: the same digest, nothing to do
    listed_as: Mapped[bytes]  # digest of what decides where it is listed
    refreshed_at: Mapped[datetime]


class OutdatedTag(StoreOwned, Base):
    """A tag whose answers the edge has to forget: written with the change, deleted once the edge was told.

    Empty but for the last seconds. The same tag may stand here many times: nobody waits for anybody to write one.
    """

    __tablename__ = "outdated_tags"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)

    tag: Mapped[str]
    since: Mapped[datetime]
    claimed_until: Mapped[datetime | None]  # somebody tells the edge until then; past it, another may


class EdgeSpending(Base):
    """How many tags the edge was told to forget today, since each costs money. One row a store."""

    __tablename__ = "edge_spending"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date]  # UTC
    tags: Mapped[int] = mapped_column(server_default=text("0"))
    told_at: Mapped[datetime | None]


class SearchWord(Base):
    """A word that the store's products are called by, and what it may be mistaken for: the dictionary of a store.

    Learnt with the products, and counted once a night, when words that no product has any more go. Thousands a store,
    growing far slower than its products; 150 bytes a row.
    """

    __tablename__ = "search_words"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)
    __table_args__ = (
        Index(
            "search_words_by_likeness",
            "store_id",
            "sound",
            postgresql_using="gin",
            postgresql_ops={"sound": "gin_trgm_ops"},
        ),
        Index("search_words_by_nearness", "store_id", "near", postgresql_using="gin"),
    )

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)  # normalized, as it is shown to who meant it
    root: Mapped[str]
    sound: Mapped[str]
    near: Mapped[list[str]]  # its sound, what is left of it without one letter, and its consonants: see `dictionary`
    products: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # that had it when they were counted


class SearchGroup(StoreOwned, Base):
    """A brand or a category that some product on sale has, by the words of its name; `id` is its own.

    Learnt with the products. Hundreds a store.
    """

    __tablename__ = "search_groups"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)
    __table_args__ = (
        CheckConstraint("kind in ('brand', 'category')", name="kind_is_known"),
        Index("search_groups_by_search", "store_id", "search", postgresql_using="gin"),
    )

    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str]
    slug: Mapped[str]
    search: Mapped[Any] = mapped_column(TSVECTOR)


class SearchMiss(Base):
    """What shoppers searched in vain on a day (UTC), and how often. Bounded a store and day; goes after 90 days.

    Holds no text that could be a phone number or an e-mail address, nor who searched.
    """

    __tablename__ = "search_misses"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(purge=Purge("last_at", timedelta(days=90)))
    __table_args__ = (CheckConstraint("length(text) between 1 and 100", name="text_is_short"),)

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(primary_key=True)  # normalized
    times: Mapped[int]
    last_at: Mapped[datetime]
