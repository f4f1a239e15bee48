"""What a hot write reads does not grow with the store.

PostgreSQL keeps the plan of a statement that has a name, and of those within functions and foreign keys, as it was
when the store was small. Where statistics say that a store has about one row of a table, to find a row by its key and
to read all rows of the store cost the same on paper. So each act is carried out until its plans are kept; then the
store comes to have thousands of everything, which no statistics tell; and the act is carried out once more. No step of
a plan may look at more than a few rows.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from shared.carts import ageing
from shared.core import database as core_database
from shared.core.settings import use_settings
from shared.inventory import expiry
from tests import plans
from tests.checkout.purchases import ADDRESS, CONTACT, a_cart
from tests.client import Answer
from tests.database import Database, FreshDatabases
from tests.factories import StoreUnderTest, a_store

UNTIL_KEPT = 12  # times: a statement has a name at the second, and its own plan the next five times
CROWD = 3_000  # rows of each table that the store comes to have
SMALL_STORES = 1_000
ENOUGH = 50  # rows that a step may look at

SETTINGS = {"max_open_checkouts_per_phone": 1000, "max_open_checkouts_per_ip": 1000}
WANTED = {"MUG": 2, "TEE": 1}

# What makes another row of one that there is: the columns in which it differs. `n` counts. Reservations and adjustments
# are all of one bestseller.
_ID, _TEXT = "uuidv7()", "uuidv7()::text"
_DIGEST = "'\\x' || encode(sha256(uuidv7()::text::bytea), 'hex')"
DIFFERS = {
    "products": {"id": _ID, "slug": _TEXT},
    "variants": {"id": _ID, "sku": _TEXT},
    "stock_levels": {"id": _ID, "variant_id": _ID},
    "stock_reservations": {"id": _ID, "holder_id": _ID},
    "inventory_adjustments": {"id": _ID, "order_id": _ID},
    "carts": {"id": _ID, "token_digest": _DIGEST},
    "checkouts": {"id": _ID, "cart_id": _ID, "contact_index": _DIGEST, "ip_index": _DIGEST},
    "orders": {
        "id": _ID,
        "number": "n + 1000000",
        "checkout_id": _ID,
        "cart_id": _ID,
        "email_index": _DIGEST,
        "phone_index": _DIGEST,
    },
    "order_lines": {"id": _ID, "order_id": _ID},
    "payment_attempts": {"id": _ID, "order_id": _ID},
    "fulfillments": {"id": _ID, "order_id": _ID},
    "fulfillment_lines": {"id": _ID, "fulfillment_id": _ID, "order_line_id": _ID},
    "idempotency_keys": {"key": _TEXT},
    "domain_events": {"id": _ID, "entity_id": _ID},
    "outbox": {"id": _ID},
    "audit_entries": {"id": _ID, "entity_id": _ID},
    "unsealed_entries": {"id": _ID},
}
# The rows that more are made of: such as are not over yet.
ALIVE = {"carts": "state = 'active'", "checkouts": "state = 'open'", "payment_attempts": "status = 'pending'"}
PARTITIONED = ("inventory_adjustments", "domain_events", "audit_entries")
_LEAVE_PARTITIONS_ALONE = """
do $$
declare
    partition regclass;
begin
    for partition in select inhrelid from pg_inherits where inhparent = '{}'::regclass loop
        execute format('alter table %s set (autovacuum_enabled = false)', partition);
    end loop;
end $$
"""

# Where the whole of a store is read even so, by the index, and why no statement can help.
#
# A tie: a search in one table alone, by a whole key, costs what one by store_id in another index does; of two indexes
# that cost the same, PostgreSQL takes the one that was made last. Some of these are asked by foreign keys.
TIES = {"order_lines_position_key"}
# So much more of them where statistics tell of stores with one row each.
TIES_OF_SMALL_STORES = TIES | {
    "fulfillment_lines_by_order_line",
    "idempotency_keys_by_expiry",
    "stock_reservations_by_variant",
    "variants_by_product",
}
# A batch: read once for hundreds of rows that are due. No index has a store's carts in the order in which they are.
BATCHES = {"carts_by_state", "stock_reservations_pkey"}


@dataclass(frozen=True)
class Shop:
    """A store that sells a MUG and a TEE, and what is done in it day by day."""

    here: Database
    store: StoreUnderTest

    @property
    def acts(self) -> tuple[Callable[[], None], ...]:
        """All of it."""
        return (
            self.purchase,
            self.give_up,
            self.order_and_cancel,
            self.order_and_deliver,
            self.order_too_many,
            self.count,
            self.let_expire,
        )

    def purchase(self) -> None:
        """Fill a cart, think again, renew the hold, and buy."""
        cart = a_cart(self.store)
        for sku, quantity in WANTED.items():
            right(cart.add(sku, quantity))
        line = right(cart.add("MUG"))["lines"][0]["id"]
        right(cart.set_quantity(line, 3))
        checkout = cart.started()
        assert cart.started() == checkout
        right(cart.complete(checkout))

    def give_up(self) -> None:
        """Start a checkout, and cancel it."""
        cart = a_cart(self.store, WANTED)
        right(self.store.shopper.delete(f"/storefront/checkouts/{cart.started()}", headers=cart.guest))

    def order_and_cancel(self) -> None:
        """Order in one call, and take the stock back."""
        path = f"/orders/{right(self._order(WANTED))['id']}"
        right(self.store.merchant.post(f"{path}/cancel", json={"reason": "customer", "restock": True}, key=True))

    def order_and_deliver(self) -> None:
        """Order in one call, hand it over, and collect the cash."""
        path = f"/orders/{right(self._order(WANTED))['id']}"
        right(self.store.merchant.post(f"{path}/fulfillments", json={}, key=True))
        right(self.store.merchant.post(f"{path}/payments/collect", json={}, key=True))

    def order_too_many(self) -> None:
        """Ask for more than there is, what has expired included."""
        assert self._order({"MUG": 1000}).status_code == 409

    def count(self) -> None:
        """Adjust a level, and set it to a count."""
        path = f"/inventory/{self.store.variant('MUG')}"
        found = {"delta": 1, "kind": "manual", "reason": "Found"}
        on_hand = right(self.store.merchant.post(f"{path}/adjustments", json=found, key=True))["on_hand"]
        counted = {"on_hand": on_hand + 1, "expected_on_hand": on_hand}
        right(self.store.merchant.put(f"{path}/on-hand", json=counted, key=True))

    def let_expire(self) -> None:
        """Leave a checkout and its cart alone until they are over."""
        cart = a_cart(self.store, WANTED)
        cart.started()
        holder = f"select id from checkouts where cart_id = '{cart.uuid}'"
        plans.run(
            self.here,
            f"update stock_reservations set expires_at = now() - interval '1 hour' where holder_id in ({holder})",
            f"update carts set due_at = now() - interval '1 hour' where id = '{cart.uuid}'",
        )
        with self.store.session() as session:
            assert (expiry.release_expired(session), ageing.age(session)) == (len(WANTED), 1)

    def _order(self, wanted: Mapping[str, int]) -> Answer:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
        body = {"lines": lines, "contact": CONTACT, "shipping_address": ADDRESS}
        return self.store.merchant.post("/orders", json=body, key=True)


def test_what_a_hot_write_reads_does_not_grow_with_a_new_shops_store(
    application: None,  # noqa: ARG001 -- its settings
    fresh_database: FreshDatabases,
) -> None:
    with a_shop(fresh_database) as shop:
        carry_out(shop, UNTIL_KEPT)
        plans.run(shop.here, *more_of(shop, rows=CROWD))

        offences = read_too_much(shop, known=TIES | BATCHES)

    assert not offences, "\n".join(offences)


def test_what_a_hot_write_reads_does_not_grow_with_one_store_among_a_thousand_small_ones(
    application: None,  # noqa: ARG001 -- its settings
    fresh_database: FreshDatabases,
) -> None:
    with a_shop(fresh_database) as shop:
        carry_out(shop, 1)
        plans.run(shop.here, *more_of(shop, rows=SMALL_STORES, store_id=_ID), "analyze")
        core_database.dispose()
        carry_out(shop, UNTIL_KEPT)
        plans.run(shop.here, *more_of(shop, rows=CROWD))

        offences = read_too_much(shop, known=TIES_OF_SMALL_STORES | BATCHES)

    assert not offences, "\n".join(offences)


@contextmanager
def a_shop(fresh_database: FreshDatabases) -> Iterator[Shop]:
    """Open a store alone in a database, whose statistics nobody brings up to date."""
    here = fresh_database.migrated()
    plans.run(here, *(f"alter table {name} set (autovacuum_enabled = false)" for name in {*DIFFERS} - {*PARTITIONED}))
    plans.run(here, *map(_LEAVE_PARTITIONS_ALONE.format, PARTITIONED))
    plans.make_told(here)
    with use_settings(database_url=here.app_url, database_driver="named", strict=False):
        shop = Shop(here, a_store(stock=dict.fromkeys(WANTED, 900), settings=SETTINGS))
        a_cart(shop.store, WANTED).started()  # one that stays, for more of its kind
        yield shop
        core_database.dispose()


def carry_out(shop: Shop, times: int) -> None:
    """Carry out all acts, so many times."""
    for _ in range(times):
        for act in shop.acts:
            act()


def more_of(shop: Shop, *, rows: int, **differing: str) -> Iterator[str]:
    """Return what makes so many rows more of one of each table; `differing`: columns that differ besides."""
    yield "set session_replication_role = replica"  # no triggers, no foreign keys
    for table, differs in DIFFERS.items():
        told = ", ".join(f"'{column}', {value}" for column, value in {**differs, **differing}.items())
        yield (
            f"insert into {table} select made.* from (select present from {table} present "
            f"where store_id = '{shop.store.id}' and {ALIVE.get(table, 'true')} limit 1) as one, "
            f"generate_series(1, {rows}) n, "
            f"jsonb_populate_record(one.present, jsonb_build_object('n', n, {told})) as made"
        )


def read_too_much(shop: Shop, *, known: set[str]) -> list[str]:
    """Carry out each act once; return which step of which statement looked at more than enough rows."""
    offences = []
    for act in shop.acts:
        with plans.told() as told:
            act()
        for plan in told:
            for step in plans.reading_steps(plan):
                rows, index = plans.taken_up(step), step.get("Index Name")
                if rows > ENOUGH and index not in known:
                    where = f"{step.get('Relation Name', '')} by {index}, {step.get('Index Cond')}"
                    said = " ".join(plan["Query Text"].split())[:200]
                    offences.append(f"{act.__name__}: {rows:.0f} rows of {where}: {said}")
    return offences


def right(answer: Answer) -> Any:
    """Return what was answered, if it was no refusal."""
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()
