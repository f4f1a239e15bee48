"""What becomes of a store's rows: every table says it, and no other store's rows are touched."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, DateTime, MetaData, String, Table, Uuid, insert

from shared.core import clock, consumers, encryption, ids, storage, tenant_life
from shared.core.lives import Purge, TenantLife
from shared.core.storage import Bucket, key_of
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")

LONG_AGO = timedelta(days=91)
RECENTLY = timedelta(days=89)


def test_every_table_with_a_store_has_a_life(sql: Sql) -> None:
    rows = sql(
        "select c.relname as name from pg_attribute a join pg_class c on c.oid = a.attrelid "
        "where a.attname = 'store_id' and c.relkind in ('r', 'p') and not c.relispartition "
        "and c.relnamespace = 'public'::regnamespace"
    )

    known = {owned.name for owned in tenant_life.store_tables()}

    assert {row["name"] for row in rows} == known - {"stores"}
    assert len(known) > 15


def test_a_life_that_names_a_missing_column_is_refused() -> None:
    table = Table("boxes", MetaData(), Column("store_id", Uuid, primary_key=True), Column("closed_at", DateTime))

    with pytest.raises(tenant_life.BadLife, match="boxes"):
        tenant_life.store_table(table, TenantLife(purge=Purge("opened_at", LONG_AGO)))
    with pytest.raises(tenant_life.BadLife, match="boxes"):
        tenant_life.store_table(table, TenantLife(personal=("owner",)))


def test_a_life_that_purges_by_what_is_no_moment_is_refused() -> None:
    table = Table("boxes", MetaData(), Column("store_id", Uuid, primary_key=True), Column("word", String))

    with pytest.raises(tenant_life.BadLife, match="no moment"):
        tenant_life.store_table(table, TenantLife(purge=Purge("word", LONG_AGO)))


def test_the_application_may_remove_whatever_is_purged_and_what_hangs_on_it(sql: Sql) -> None:
    purged = [owned for owned in tenant_life.store_tables() if owned.purge is not None]
    names = {owned.name for owned in purged}
    for owned in tenant_life.store_tables():  # parents come before their children
        if any(link.referred_table.name in names for link in owned.table.foreign_key_constraints):
            names.add(owned.name)

    refused = [
        name
        for name in names
        if not sql("select has_table_privilege('stormcom_app', %s, 'delete') as may", name)[0]["may"]
    ]

    assert refused == []
    assert {"products", "variants", "stock_levels", "idempotency_keys", "consumed_events"} <= names


def test_personal_columns_are_found_without_being_named() -> None:
    personal = {owned.name: {column.name for column in owned.personal} for owned in tenant_life.store_tables()}

    assert personal["orders"] == {"personal", "email_index", "phone_index"}
    assert personal["stores"] == {"owner_email"}
    assert personal["products"] == set()


def test_what_was_deleted_long_ago_is_purged_with_all_that_hangs_on_it(sql: Sql) -> None:
    mine, theirs = (a_store(stock={"OLD": 3, "NEW": 4, "KEPT": 5}) for _ in range(2))
    for store in (mine, theirs):
        forget(sql, store, "OLD", LONG_AGO)
        forget(sql, store, "NEW", RECENTLY)

    with mine.session() as session:
        removed = tenant_life.purge(session, clock.now())

    assert removed == {"products": 1, "variants": 1, "stock_levels": 1}
    assert skus(sql, mine) == {"NEW", "KEPT"}
    assert skus(sql, theirs) == {"OLD", "NEW", "KEPT"}
    assert count(sql, mine, "stock_levels") == 2
    assert count(sql, theirs, "stock_levels") == 3


def test_history_outlives_the_product_that_was_purged(sql: Sql) -> None:
    store = a_store(stock={"OLD": 3})
    forget(sql, store, "OLD", LONG_AGO)
    before = (count(sql, store, "inventory_adjustments"), count(sql, store, "audit_entries"))

    with store.session() as session:
        tenant_life.purge(session, clock.now())

    assert (count(sql, store, "inventory_adjustments"), count(sql, store, "audit_entries")) == before


def test_keys_and_marks_go_when_nobody_can_ask_for_them_any_more(sql: Sql) -> None:
    now = clock.now()
    mine, theirs = a_store(), a_store()
    for store in (mine, theirs):
        sql(
            "insert into idempotency_keys (store_id, caller, route, key, fingerprint, expires_at) "
            "values (%s, 'c', 'r', 'over', '', %s), (%s, 'c', 'r', 'valid', '', %s)",
            *(store.id, now - timedelta(seconds=1), store.id, now + timedelta(seconds=60)),
        )
        for age in (29, 27):
            mark(store, now - timedelta(days=age))

    with mine.session() as session:
        removed = tenant_life.purge(session, now)

    assert removed == {"idempotency_keys": 1, "consumed_events": 1}
    assert sql("select key from idempotency_keys where store_id = %s", mine.id) == [{"key": "valid"}]
    assert (count(sql, mine, "consumed_events"), count(sql, theirs, "consumed_events")) == (1, 2)
    assert count(sql, theirs, "idempotency_keys") == 2


def test_a_purge_takes_no_more_than_it_was_given_and_goes_on_from_there(sql: Sql) -> None:
    store, now = a_store(), clock.now()
    for _ in range(7):
        mark(store, now - timedelta(days=30))

    rounds = []
    for _ in range(4):
        with store.session() as session:
            rounds.append(tenant_life.purge(session, now, most=3))

    assert rounds == [{"consumed_events": 3}, {"consumed_events": 3}, {"consumed_events": 1}, {}]
    assert count(sql, store, "consumed_events") == 0


def test_a_product_that_is_being_restored_is_left_with_all_its_variants(sql: Sql) -> None:
    store = a_store(stock={"OLD": 3})
    forget(sql, store, "OLD", LONG_AGO)

    with store.session() as restoring:
        restoring.connection().exec_driver_sql("update products set deleted_at = null")
        restoring.connection().exec_driver_sql("update variants set deleted_at = null")
        with store.session() as session:
            removed = tenant_life.purge(session, clock.now())

    assert removed == {}
    assert (skus(sql, store), count(sql, store, "stock_levels")) == ({"OLD"}, 1)


def test_an_export_holds_the_whole_store_and_nothing_of_another() -> None:
    mine, theirs = a_store(stock={"MUG": 3}), a_store(stock={"SECRET-MUG": 3})

    with mine.session() as session:
        lines = list(tenant_life.export(session))

    tables = [json.loads(line)["table"] for line in lines]
    assert {"stores", "products", "variants", "stock_levels", "inventory_adjustments", "audit_entries"} <= set(tables)
    assert tables.index("products") < tables.index("variants") < tables.index("stock_levels")
    assert rows_of(lines, "stores")[0]["slug"] == mine.slug
    assert [variant["sku"] for variant in rows_of(lines, "variants")] == ["MUG"]
    assert all(row.get("store_id", str(mine.id)) == str(mine.id) for row in (json.loads(line)["row"] for line in lines))
    assert all(text not in line for line in lines for text in (str(theirs.id), theirs.slug, "SECRET-MUG"))


def test_an_export_has_personal_data_in_clear_and_no_digest_of_a_credential() -> None:
    store = a_store()

    with store.session() as session:
        lines = list(tenant_life.export(session))

    assert rows_of(lines, "stores")[0]["owner_email"] == "owner@shop.test"
    assert len(rows_of(lines, "credentials")) == 2
    assert all("digest" not in credential for credential in rows_of(lines, "credentials"))
    assert rows_of(lines, "idempotency_keys") == rows_of(lines, "outbox") == []


def test_an_export_is_read_in_batches_and_misses_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_life, "BATCH", 2)
    store = a_store(stock={f"SKU-{number}": 1 for number in range(5)})

    with store.session() as session:
        lines = list(tenant_life.export(session))

    assert sorted(row["sku"] for row in rows_of(lines, "variants")) == [f"SKU-{number}" for number in range(5)]
    assert len(rows_of(lines, "stores")) == 1
    assert len(rows_of(lines, "credentials")) == 2


def test_a_closed_stores_personal_data_are_erased_and_no_other_stores(sql: Sql) -> None:
    mine, theirs = a_store(), a_store()
    for store in (mine, theirs):
        for number in range(3):
            place(sql, store, 1001 + number)
        sql(
            "insert into idempotency_keys (store_id, caller, route, key, fingerprint, answer, expires_at) "
            "values (%s, 'c', 'r', 'k', '', 'x', now())",
            store.id,
        )

    with mine.session() as session:
        erased = tenant_life.erase(session)

    assert erased.rows == {"stores": 1, "orders": 3, "idempotency_keys": 1}
    assert erased.kept == ("audit_entries.ip",)
    assert erased.finished
    persons = "select count(personal) + count(email_index) + count(phone_index) as n from orders where store_id = %s"
    assert (sql(persons, mine.id)[0]["n"], sql(persons, theirs.id)[0]["n"]) == (0, 9)
    owner = "select owner_email is null as erased from stores where id = %s"
    assert (sql(owner, mine.id)[0]["erased"], sql(owner, theirs.id)[0]["erased"]) == (True, False)


def test_an_erasure_goes_on_where_the_last_transaction_ended(sql: Sql) -> None:
    store = a_store()
    for number in range(5):
        place(sql, store, 1001 + number)

    rounds = []
    for _ in range(4):
        with store.session() as session:
            rounds.append(tenant_life.erase(session, most=2))

    assert [sum(erased.rows.values()) for erased in rounds] == [2, 2, 2, 0]
    assert [erased.finished for erased in rounds] == [False, False, False, True]


def test_a_canary_stands_in_free_text_and_in_no_word_of_a_list() -> None:
    columns = {
        owned.name: [column.name for column in tenant_life.text_columns(owned.table)]
        for owned in tenant_life.store_tables()
    }

    assert columns["former_slugs"] == []
    assert columns["brands"] == ["name", "description"]
    assert columns["variants"] == ["sku", "title", "barcode", "tax_code", "external_id"]
    assert columns["stores"] == ["name", "owner_email", "locale", "time_zone"]


def test_a_canary_in_every_text_of_one_store_is_in_its_export_and_in_no_other(sql: Sql) -> None:
    mine, theirs = a_store(stock={"MUG": 3}), a_store(stock={"MUG": 3})
    song = tenant_life.canary(mine.id)
    planted = plant(sql, mine, song, ("products", "variants", "stores", "credentials", "inventory_adjustments"))

    with mine.session() as session:
        own = "\n".join(tenant_life.export(session))
    with theirs.session() as session:
        other = "\n".join(tenant_life.export(session))

    assert own.count(song) == planted
    assert song not in other


def forget(sql: Sql, store: StoreUnderTest, sku: str, age: timedelta) -> None:
    """Delete a product and its variant, so long ago."""
    moment = clock.now() - age
    sql(
        "update products set deleted_at = %s from variants v "
        "where products.store_id = %s and products.id = v.product_id and v.id = %s",
        *(moment, store.id, store.variant_id(sku)),
    )
    sql("update variants set deleted_at = %s where store_id = %s and id = %s", moment, store.id, store.variant_id(sku))


def mark(store: StoreUnderTest, at: datetime) -> None:
    """Note that a consumer had an event at that moment."""
    values = {"store_id": store.id, "consumer": "test", "event_id": ids.new_id(), "consumed_at": at.astimezone(UTC)}
    with store.session() as session:
        session.execute(insert(consumers.ConsumedEvent), values)


def place(sql: Sql, store: StoreUnderTest, number: int) -> None:
    """Put an order of a person into the table, as placement would."""
    with store.session():
        person = encryption.encrypt(store.id, "orders.personal", b'{"name": "Rahima"}')
    sql(
        "insert into orders (store_id, id, number, channel, status, payment_status, fulfillment_status, currency, "
        "locale, subtotal, discount, tax, shipping, shipping_tax, total, prices_include_tax, trace, personal, "
        "email_index, phone_index, version, created_at, updated_at) values (%s, %s, %s, 'api', 'open', 'pending', "
        "'unfulfilled', 'BDT', 'bn-BD', 0, 0, 0, 0, 0, 0, true, '[]', %s, 'e', 'p', 1, now(), now())",
        *(store.id, ids.new_id(), number, person),
    )


def plant(sql: Sql, store: StoreUnderTest, song: str, tables: tuple[str, ...]) -> int:
    """Write the canary into every free text that the store's rows in these tables have; return how many times."""
    planted = 0
    for owned in tenant_life.store_tables():
        if owned.name not in tables:
            continue
        for column in tenant_life.text_columns(owned.table):
            if isinstance(column.type, encryption.EncryptedText):
                value: Any = encryption.encrypt(store.id, str(column), song.encode())
            else:
                value = song
            changed = sql(
                f"update {owned.name} set {column.name} = %s "
                f"where {owned.store.name} = %s and {column.name} is not null returning 1",
                *(value, store.id),
            )
            planted += len(changed)
    return planted


def rows_of(lines: list[str], table: str) -> list[dict[str, Any]]:
    """Return an export's rows of one table."""
    read = [json.loads(line) for line in lines]
    return [line["row"] for line in read if line["table"] == table]


def skus(sql: Sql, store: StoreUnderTest) -> set[str]:
    """Return the SKUs of the store's variants, deleted ones too."""
    return {row["sku"] for row in sql("select sku from variants where store_id = %s", store.id)}


def count(sql: Sql, store: StoreUnderTest, table: str) -> int:
    """Count the store's rows in a table."""
    found: int = sql(f"select count(*) as n from {table} where store_id = %s", UUID(str(store.id)))[0]["n"]
    return found


def test_a_closed_stores_files_are_erased_and_no_other_stores(state: Path) -> None:
    closed, other = a_store(), a_store()
    objects = storage.objects()
    for store in (closed, other):
        for number in range(3):
            objects.put(Bucket.UPLOADS, key_of(store.id, "exports", str(number)), b"x", media_type="text/csv")
            objects.put(Bucket.MEDIA, key_of(store.id, "p", f"{number}.webp"), b"x", media_type="image/webp")

    finished = [tenant_life.erase_files(closed.id, most=4) for _ in range(2)]

    assert finished == [False, True]
    left = [path for path in (state / "objects").rglob("*") if path.is_file()]
    assert [path for path in left if str(closed.id) in str(path)] == []
    assert len([path for path in left if str(other.id) in str(path)]) == 6
