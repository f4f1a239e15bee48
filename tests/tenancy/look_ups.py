"""Calls of the functions that look past row-level security, in a database where another store has the same things.

Two kinds. A function that takes the store looks into it: what it answers may not hang on what any other store has. One
that takes no store finds whose something is, by a secret or a name: who names nothing gets nothing.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from shared.core import credentials, driver, ids
from shared.search import finding, words
from tests.database import Sql
from tests.rules import locks
from tests.tenancy.borders import DENIED, over
from tests.tenancy.routes import groups
from tests.tenancy.rows import tables_of_stores
from tests.tenancy.world import World

type Answer = list[tuple[Any, ...]] | str

TITLE = "mug"  # what a product of each world is called
TAG, SHORT_TAG = "sale", "xx"
OURS, THEIRS = "lanterm", "lantern"  # what a product of mine, and of theirs, is called besides
CROWD = "quagmire"  # what a hundred and fifty products of each store are called
_CROWDED = finding.MOST

_EVERYTHING = json.dumps({"terms": [], "price": [None, None], "numbers": []})

_FUNCTIONS = """
select p.oid::regprocedure::text as signature, p.proname::text as name, pg_get_functiondef(p.oid) as says,
       coalesce(p.proargnames, '{}') as names,
       array(select format_type(kind, null) from unnest(p.proargtypes) with ordinality k (kind, n) order by n) as kinds
from pg_proc p where p.pronamespace = 'lookup'::regnamespace
  and has_function_privilege('stormcom_app', p.oid, 'execute') order by 1
"""


GUARD = re.compile(r"if (\w+) is distinct from nullif\(current_setting\('app\.store_id'.*?end if;", re.DOTALL)


@dataclass(frozen=True)
class Function:
    """A function of schema `lookup`, as the database has it."""

    name: str
    says: str  # the statement that makes it
    parameters: Mapping[str, str]  # what it takes, and of which type

    @property
    def bound(self) -> str | None:
        """The parameter that has to be the tenant to whom the transaction is bound; none for what looks across."""
        found = GUARD.search(self.says)
        return found[1] if found else None

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that name whom it is about, but in a store's own: an id, a slug, a secret's digest."""
        if self.bound == "store":
            return ()
        return tuple(name for name, kind in self.parameters.items() if kind in _NOTHING and name not in _NAMES_NOBODY)

    def call(self, **given: str) -> str:
        """Return a call of it; what is not given is null, and the present moment is now."""
        given = {"present": "now()", **given}
        return f"lookup.{self.name}({', '.join(f'{name} => {given.get(name, "null")}' for name in self.parameters)})"


_NOTHING = {"bytea": "'\\x00'", "text": "'no-such'", "uuid": f"'{UUID(int=0)}'"}  # what names nothing, by its type
_NAMES_NOBODY = {"origin", "after", "last", "shop"}  # a browser's page, how far a sweep has come, a part of a whole
# What names something that a function finds, where a store's own credential does not: some row of its table.
OWN = {
    "publishable_key": {
        "wanted_digest": (
            "(select quote_literal(digest::text) from credentials where store_id = {store} and kind = 'pk' limit 1)"
        )
    },
    "mailed_link": {
        "wanted_digest": "(select quote_literal(digest::text) from mailed_links order by id limit 1)",
        "wanted_purpose": "(select quote_literal(purpose) from mailed_links order by id limit 1)",
    },
}
TELLS_OF_EACH = {"opening"}  # it answers for each of its names apart
SILENT = {"stores_with_due_media"}  # what it is asked here, my store has nothing of


def functions(sql: Sql) -> list[Function]:
    """Return every function of schema `lookup`."""
    return [
        Function(row["name"], row["says"], dict(zip(row["names"], row["kinds"], strict=False)))
        for row in sql(_FUNCTIONS)
    ]


def assort(world: World, title: str) -> None:
    """Sell products of two brands and a category, let shoppers see them, and announce a picture."""
    for path, named in (("/brands", "brand"), ("/brands", "brand"), ("/categories", "categories")):
        group = world.made(world.store.merchant.post(path, json={"name": f"Ware {world.new_name()}"}))
        wanted = {
            "title": f"{TITLE} {title} {world.word}",
            "status": "active",
            "variants": [world.new_variant()],
            named: group["slug"] if named == "brand" else [group["slug"]],
        }
        world.made(world.store.merchant.post("/products", json=wanted))
    groups.picture(world)
    world.store.show()


def furnish(sql: Sql, mine: World, theirs: World) -> None:
    """Give another store what only a missing condition on the store would show; all of it is to be undone.

    The same ids as mine, tags, a brand of which it alone sells something, more bestsellers, and pictures that are due
    while mine are not. Both have been assorted, and people work there.
    """
    sql("set local session_replication_role = replica")  # rows without the rows that they hang on
    both = f"in ('{mine.store.id}', '{theirs.store.id}')"
    sql(f"update products set tags = array['{TAG}', '{SHORT_TAG}'] where store_id {both}")
    for table in ("product_summaries", "search_groups"):
        sql(f"""
            insert into {table} select (jsonb_populate_record(r, '{{"store_id": "{theirs.store.id}"}}')).*
            from {table} r where store_id = '{mine.store.id}'
        """)
    sql(f"""
        delete from product_summaries where store_id = '{mine.store.id}' and terms && array[(
            select id from search_groups where store_id = '{mine.store.id}' and kind = 'brand' and name like 'Ware %%'
            order by id limit 1)]
    """)
    sound = words.sound(CROWD)
    titled = [words.stem(CROWD), words.SOUND + sound, words.TITLE + sound]
    _crowd(sql, mine.store.id, titled, sold=0, many=_CROWDED)
    _crowd(sql, mine.store.id, titled[:1], sold=10**6, many=1)  # only a bestseller's place brings it in
    _crowd(sql, theirs.store.id, [*titled, words.stem(THEIRS)], sold=10**9, many=_CROWDED)  # and sell what mine lacks
    sql(f"""
        insert into platform_tokens (id, name, digest, scopes, created_at)
        values ('{ids.new_id()}', 'Somebody''s', 'digest', '{{}}', now())
    """)
    for world, moment in ((mine, "infinity"), (theirs, "-infinity")):
        sql(f"update media_assets set due_at = '{moment}' where store_id = '{world.store.id}' and due_at is not null")


def _crowd(sql: Sql, store_id: UUID, lexemes: list[str], *, sold: int, many: int) -> None:
    """Put products on sale that bear these lexemes."""
    sql(
        f"""
        insert into product_summaries
        select (jsonb_populate_record(s, jsonb_build_object(
            'id', md5(concat('{store_id}', n, '{sold}'))::uuid, 'sold', {sold},
            'search', (select string_agg(quote_literal(lexeme), ' ') from unnest(%s::text[]) lexeme)))).*
        from product_summaries s, generate_series(1, {many}) n where s.store_id = '{store_id}'
          and s.id = (select id from product_summaries where store_id = s.store_id order by id limit 1)
        """,
        lexemes,
    )


def calls(mine: World, theirs: World) -> dict[str, list[str]]:
    """Return what is asked as my store, by function: what both stores have, and what only the other one has."""
    store = f"'{mine.store.id}'"
    asked_for = [_read(word) for word in (TITLE, CROWD, OURS, THEIRS, mine.word, theirs.word)]
    ware = _read("Ware")["words"][0]["plain"]
    return {
        "product_conditions": [f"lookup.product_conditions({store}, '{_EVERYTHING}')"],
        "list_products": [
            f"lookup.list_products({store}, '{_EVERYTHING}', '{order}', {descending}, null, 1000)"
            for order in ("published_at", "price", "sort_name", "sold")
            for descending in ("true", "false")
        ],
        "count_products": [f"lookup.count_products({store}, '{_EVERYTHING}', '{{}}', null, '{{}}')"],
        # In a crowd it is chance who is found; how many are is not.
        "find_products": [
            "(select count(*), max(total), max(meant) from "
            f"lookup.find_products({store}, {_json(asked)}, '{_EVERYTHING}', 0, 1000)) as found"
            for asked in asked_for
        ],
        "meant_words": [f"lookup.meant_words({store}, {_json(asked['words'])})" for asked in asked_for],
        "find_groups": [
            f"lookup.find_groups({store}, {_quoted(ware)}, '{kind}', 100)" for kind in ("brand", "category")
        ],
        "look_for_products": [
            *(
                f"lookup.look_for_products({store}, '{said}', null)"
                for said in (TITLE, TITLE[:2], mine.word[:6], mine.word[:2], TAG, SHORT_TAG)
            ),
            f"lookup.look_for_products({store}, null, '{TAG}')",
        ],
        "stores_with_due_media": [
            f"(select * from lookup.stores_with_due_media('2100-01-01', 1, 1000) s where s = {store}) as mine"
        ],
    }


@dataclass
class Asking:
    """Asks the functions as the application's role, in a transaction of the superuser that is undone at its end."""

    sql: Sql
    mine: World
    theirs: World
    functions: list[Function]
    calls: Mapping[str, list[str]]  # my store's, by function
    alone: Mapping[str, Answer]  # what these and those by name answer where the other store is not there

    @classmethod
    def furnished(cls, connection: driver.Connection, mine: World, theirs: World) -> "Asking":
        """Furnish both stores, and ask first without the other one."""
        sql = over(connection)
        furnish(sql, mine, theirs)
        asking = cls(sql, mine, theirs, functions(sql), calls(mine, theirs), {})
        sql("savepoint before_leaving")
        for table in tables_of_stores(sql):
            sql(f"delete from {table.name} where {table.owner_column} = '{theirs.store.id}'")
        asking.alone = {call: asking.answer(call, tenant) for call, tenant in asking._asked()}
        sql("rollback to savepoint before_leaving")
        return asking

    def missing(self) -> list[str]:
        """Return the functions that look into a store and are not asked, or never say anything."""
        silent = {
            name
            for name, asked in self.calls.items()
            if not any(isinstance(told := self.alone[call], list) and not _is_empty(told) for call in asked)
        }
        looking = {function.name for function in self.functions if function.bound == "store"}
        return sorted((looking - self.calls.keys()) | (silent - SILENT))

    def offences(self) -> list[str]:
        """Return the answers that hang on another store, or that somebody gets who may have none."""
        found = [
            f"{call}: {told} instead of {self.alone[call]}"
            for call, tenant in self._asked()
            if (told := self.answer(call, tenant)) != self.alone[call]
        ]
        for function in self.functions:
            found += [
                f"{call} of a stranger: {told}"
                for call, tenant in self._asked_by_strangers(function)
                if not isinstance(told := self.answer(call, tenant), list) or not _is_empty(told)
            ]
            if function.bound is not None:
                found += self._looks_elsewhere(function, function.bound)
        return found

    def answer(self, call: str, tenant: str | None) -> Answer:
        """Return the rows of an answer to who is bound to a tenant or to none; or how it was refused."""
        self.sql("savepoint before_asking")
        self.sql(f"set local role {locks.APP}")
        if tenant is not None:
            self.sql(f"set local app.store_id = {tenant}")
        try:
            return sorted((tuple(row.values()) for row in self.sql(f"select * from {call}")), key=str)
        except driver.DatabaseError as refusal:
            return str(driver.sqlstate(refusal))
        finally:
            self.sql("rollback to savepoint before_asking")

    def _looks_elsewhere(self, function: Function, bound: str) -> list[str]:
        """Return how a function looks into another tenant than the bound one, or into one for who is bound to none."""
        mine, theirs = self._mine[bound], self._names(self.theirs)[bound]
        other = function.call(**{**self._mine, bound: theirs})
        ways = {
            "of another tenant": (other, mine),
            "of nobody": (other, None),
            "of no tenant": (function.call(**{**self._mine, bound: "null"}), mine),
        }
        told = {who: self.answer(call, tenant) for who, (call, tenant) in ways.items()}
        return [f"{function.name} {who}: {answer}" for who, answer in told.items() if answer != DENIED]

    def _asked(self) -> list[tuple[str, str]]:
        """Return what is asked, and as whom."""
        store = self._mine["store"]
        asked = [(call, store) for of_function in self.calls.values() for call in of_function]
        by_names = [one for one in self.functions if one.names and self._mine.keys() >= set(one.names)]
        return [*asked, *((one.call(**self._real(one)), self._mine[one.bound or "store"]) for one in by_names)]

    def _real(self, function: Function) -> dict[str, str]:
        """Return what names something that a function finds."""
        own = {name: what.format(**self._mine) for name, what in OWN.get(function.name, {}).items()}
        return self._mine | {name: self.sql(f"select {what} as one")[0]["one"] for name, what in own.items()}

    def _asked_by_strangers(self, function: Function) -> list[tuple[str, str | None]]:
        """Return calls with what names nothing: in every place, and in one place beside real names."""
        nothing = {name: _NOTHING[function.parameters[name]] for name in function.names}
        ways = [nothing] if nothing else []
        if len(nothing) > 1 and function.name not in TELLS_OF_EACH:
            own = {
                name: self.sql(f"select {what} as one")[0]["one"] for name, what in OWN.get(function.name, {}).items()
            }
            ways += [{**self._mine, **own, name: nothing[name]} for name in nothing]
        return [(function.call(**way), None if function.bound is None else way[function.bound]) for way in ways]

    @cached_property
    def _mine(self) -> dict[str, str]:
        return self._names(self.mine)

    def _names(self, world: World) -> dict[str, str]:
        """Return what names a store, and whom it belongs to, by the parameter that takes it."""
        secret = credentials.digest(world.store.secret_token).hex()
        [store] = self.sql(f"""
            select s.organization_id, s.slug, m.user_id from stores s
            join organization_members m on m.organization_id = s.organization_id where s.id = '{world.store.id}'
            order by m.user_id limit 1
        """)
        return {
            "store": f"'{world.store.id}'",
            "shop": f"'{world.store.id}'",
            "organization": f"'{store['organization_id']}'",
            "person": f"'{store['user_id']}'",
            "wanted_slug": f"'{store['slug']}'",
            "wanted_kind": f"'{credentials.SECRET}'",
            "wanted_digest": f"'\\x{secret}'",
        }


def _is_empty(told: list[tuple[Any, ...]]) -> bool:
    """Tell whether an answer says nothing of anybody."""
    return all(value in (None, False, []) for row in told for value in row)


def _read(said: str) -> dict[str, Any]:
    asked = finding.read(said)
    assert asked is not None
    return asked


def _json(value: object) -> str:
    return f"{_quoted(json.dumps(value))}::jsonb"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
