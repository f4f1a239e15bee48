"""Tokens that people make: never more than their maker may do now, from where they may be used, rotated, counted."""

from datetime import timedelta

import pytest

from shared.core import authentication, clock, credentials, driver, ids, token_uses
from shared.core import database as core_database
from shared.core.money import Money
from shared.core.principal import Principal
from shared.identity import amounts
from tests.application import Watch
from tests.client import Answer, Client
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.staff import Person, code

pytestmark = pytest.mark.usefixtures("watch")


def issue(maker: Client, *scopes: str, **facts: object) -> Answer:
    return maker.post("/credentials", json={"name": "Till", "scopes": list(scopes), **facts})


def token_of(maker: Client, *scopes: str, **facts: object) -> Client:
    issued = issue(maker, *scopes, **facts)
    assert issued.status_code == 201, issued.text
    return StoreUnderTest.bearer(issued.json()["token"])


def path_of(member: Person) -> str:
    return f"/organization/members/{member.member}"


def test_a_token_says_who_made_it() -> None:
    store = a_store()
    admin = store.staff("admin")

    issued = issue(admin, "order.read").json()["credential"]

    assert issued["created_by"] == admin.user
    assert store.merchant.get("/credentials").json()["data"][0]["created_by"] == admin.user


@pytest.mark.parametrize("fate", ["demoted", "suspended", "removed", "denied", "kept out of the store", "disabled"])
def test_what_the_maker_loses_their_token_loses_at_once(fate: str, sql: Sql) -> None:
    store = a_store()
    admin = store.staff("admin")
    till = token_of(admin, "settings.manage", "product.read")
    body = {"name": "Second", "slug": f"second-{ids.new_id().hex[-12:]}"}
    second = store.owner.post("/organization/stores", json=body).json()["store"]["id"]
    before = till.get("/store").status_code

    match fate:
        case "demoted":
            store.owner.patch(path_of(admin), json={"role": "viewer"})
        case "suspended":
            store.owner.post(path_of(admin) + "/suspend")
        case "removed":
            store.owner.delete(path_of(admin))
        case "denied":
            denial = {"effect": "deny", "reason": "No"}
            store.owner.put(path_of(admin) + "/overrides/settings.manage", json=denial)
        case "disabled":
            sql("update users set disabled_at = now() where id = %s", admin.user_id)
        case _:
            store.owner.patch(path_of(admin), json={"store_ids": [second]})

    keeps_the_rest = fate in ("demoted", "denied")
    assert (before, till.get("/store").status_code) == (200, 403)
    assert till.get("/products").status_code == (200 if keeps_the_rest else 403)


def test_a_token_for_everything_does_what_its_maker_may_and_no_more() -> None:
    store = a_store()
    everything = store.staff(permissions=["admin.superuser"])
    till = token_of(everything, "admin.superuser")
    assert till.get("/store").status_code == 200

    store.owner.patch(path_of(everything), json={"role": "viewer"})

    assert (till.get("/store").status_code, till.get("/products").status_code) == (403, 200)


def test_a_token_that_a_token_made_has_the_same_person_behind_it_and_ends_no_later() -> None:
    store = a_store()
    admin = store.staff("admin")
    until = (clock.now() + timedelta(hours=1)).isoformat()
    first = token_of(admin, "token.manage", "product.read", expires_at=until, allowed_addresses=["127.0.0.0/8"])

    made = issue(first, "product.read").json()["credential"]
    elsewhere = issue(first, "product.read", allowed_addresses=["203.0.113.0/24"])
    narrower = issue(first, "product.read", allowed_addresses=["127.0.0.1"]).json()["credential"]

    assert (made["created_by"], made["allowed_addresses"]) == (admin.user, ["127.0.0.0/8"])
    assert made["expires_at"] is not None
    assert code(elsewhere) == (403, "forbidden")
    assert narrower["allowed_addresses"] == ["127.0.0.1/32"]


def test_a_token_is_let_in_from_its_own_addresses_alone() -> None:
    store = a_store()
    till = token_of(store.merchant, "settings.manage", allowed_addresses=["203.0.113.0/24", "2001:db8::/32"])

    def from_there(address: str) -> int:
        return Client(till.headers, source_ip=address).get("/store").status_code

    told = {address: from_there(address) for address in ("203.0.113.7", "203.0.114.7", "2001:db8::1", "2001:db9::1")}

    assert told == {"203.0.113.7": 200, "203.0.114.7": 401, "2001:db8::1": 200, "2001:db9::1": 401}


@pytest.mark.parametrize("network", ["203.0.113.7/24", "here", "203.0.113.0/33", "10.0.0.0/8; drop table x", ""])
def test_an_address_that_is_none_is_refused(network: str, sql: Sql) -> None:
    store = a_store()

    refused = issue(store.merchant, "order.read", allowed_addresses=[network])

    assert code(refused) == (422, "validation_failed")
    assert len(sql("select 1 from credentials where store_id = %s", store.id)) == 2


def test_a_token_of_another_store_opens_nothing_here() -> None:
    mine, theirs = a_store(), a_store()
    credential = mine.merchant.get("/credentials").json()["data"][0]["id"]

    answers = [
        theirs.merchant.delete(f"/credentials/{credential}"),
        theirs.merchant.get(f"/credentials/{credential}/uses"),
        theirs.merchant.post(f"/credentials/{credential}/rotations", json={}),
    ]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert mine.merchant.get("/store").json()["slug"] == mine.slug


def test_a_rotated_token_works_beside_its_successor_until_the_overlap_is_over(sql: Sql) -> None:
    store = a_store()
    old = issue(store.merchant, "settings.manage", allowed_addresses=["127.0.0.1"]).json()
    with clock.frozen(clock.now()) as present:
        path = f"/credentials/{old['credential']['id']}/rotations"
        rotated = store.merchant.post(path, json={"overlap_hours": 2})
        both = [store.bearer(one["token"]) for one in (old, rotated.json())]
        during = [till.get("/store").status_code for till in both]
        again = store.merchant.post(path, json={})
        present.tick(timedelta(hours=2))
        after = [till.get("/store").status_code for till in both]

    assert rotated.status_code == 201, rotated.text
    assert (during, after) == ([200, 200], [401, 200])
    assert code(again) == (409, "not_rotatable")
    successor = rotated.json()["credential"]
    assert (successor["scopes"], successor["allowed_addresses"]) == (["settings.manage"], ["127.0.0.1/32"])
    listed = {one["id"]: one for one in store.merchant.get("/credentials").json()["data"]}
    assert listed[old["credential"]["id"]]["replaced_by"] == successor["id"]
    [entry] = sql(
        "select severity, after from audit_entries where action = 'credential.rotated' and store_id = %s", store.id
    )
    assert (entry["severity"], entry["after"]["replaced_by"]) == ("critical", successor["id"])


def test_without_an_overlap_the_old_secret_ends_at_once_and_a_lifetime_goes_on() -> None:
    store = a_store()
    with clock.frozen(clock.now()):
        until = (clock.now() + timedelta(hours=5)).isoformat()
        old = issue(store.merchant, "settings.manage", expires_at=until).json()

        rotated = store.merchant.post(f"/credentials/{old['credential']['id']}/rotations", json={"overlap_hours": 0})

        assert store.bearer(old["token"]).get("/store").status_code == 401
    assert rotated.json()["credential"]["expires_at"] == old["credential"]["expires_at"]


def test_nobody_rotates_a_token_into_more_than_they_have() -> None:
    store = a_store()
    clerk = store.staff(permissions=["token.manage", "order.read"])
    mighty = issue(store.merchant, "settings.manage").json()["credential"]["id"]
    modest = issue(store.merchant, "order.read").json()["credential"]["id"]

    refused = clerk.post(f"/credentials/{mighty}/rotations", json={})
    allowed = clerk.post(f"/credentials/{modest}/rotations", json={})

    assert code(refused) == (403, "forbidden")
    assert allowed.json()["credential"]["created_by"] == clerk.user


@pytest.mark.parametrize("kind", ["publishable", "revoked"])
def test_what_is_no_living_secret_is_not_rotated(kind: str) -> None:
    store = a_store()
    credential = store.merchant.post("/credentials/publishable").json()["id"]
    if kind == "revoked":
        credential = issue(store.merchant, "order.read").json()["credential"]["id"]
        store.merchant.delete(f"/credentials/{credential}")

    assert code(store.merchant.post(f"/credentials/{credential}/rotations", json={})) == (409, "not_rotatable")


def test_the_catalogs_token_reads_the_catalog_and_nothing_else() -> None:
    store = a_store(stock={"TEA": 1})

    feed = store.bearer(store.staff("admin").post("/credentials/catalog-token").json()["token"])

    product = feed.get("/products").json()["data"][0]["id"]
    answers = [feed.get(path) for path in ("/orders", "/store", "/credentials")]
    answers.append(feed.patch(f"/products/{product}", json={"title": "Mine"}))
    assert [answer.status_code for answer in answers] == [403] * 4


def test_uses_are_counted_by_day_and_written_a_few_times_an_hour(sql: Sql) -> None:
    store = a_store()
    issued = issue(store.merchant, "settings.manage").json()
    at = store.id, ids.decode("cred", issued["credential"]["id"])
    till = Client({"Authorization": f"Bearer {issued['token']}"}, source_ip="203.0.113.7")
    with clock.frozen(clock.now().replace(hour=9)) as present:
        for _ in range(5):
            till.get("/store")
        written_meanwhile = sql("select requests from token_uses where store_id = %s and credential_id = %s", *at)
        present.tick(token_uses.EVERY)
        till.patch("/store", json={"locale": "en"})
        till.get("/products")  # refused
        shown = store.merchant.get(f"/credentials/{issued['credential']['id']}/uses").json()["data"]

    assert written_meanwhile == [{"requests": 1}]
    assert [(one["requests"], one["last_route"], one["last_address"]) for one in shown] == [
        (6, "stores-edit-store", "203.0.113.7")
    ]
    [kept] = sql(
        "select t::text as row from token_uses t where credential_id = %s",
        ids.decode("cred", issued["credential"]["id"]),
    )
    assert "203.0.113.7" not in kept["row"]
    listed = store.merchant.get("/credentials").json()["data"]
    assert [one["last_used_at"] is not None for one in listed if one["id"] == issued["credential"]["id"]] == [True]


def test_a_request_that_writes_tells_its_tokens_use_with_its_commit(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_uses, "write", lambda *_, **__: pytest.fail("written in a transaction of its own"))
    store = a_store()
    issued = issue(store.merchant, "settings.manage").json()
    till = Client({"Authorization": f"Bearer {issued['token']}"}, source_ip="203.0.113.7")
    used = "select requests, last_route from token_uses where store_id = %s and credential_id = %s"
    at = store.id, ids.decode("cred", issued["credential"]["id"])
    with clock.frozen(clock.now().replace(hour=9)) as present:
        till.patch("/store", json={"locale": "en"})
        first = sql(used, *at)
        refused = till.patch("/store", json={"locale": "no language"})
        present.tick(token_uses.EVERY)
        till.patch("/store", json={"locale": "bn-BD"})

    assert first == [{"requests": 1, "last_route": "stores-edit-store"}]
    assert refused.status_code == 422
    assert sql(used, *at) == [{"requests": 2, "last_route": "stores-edit-store"}]


@pytest.mark.parametrize("remembered", [False, True])
def test_who_is_calling_and_what_they_may_do_costs_one_statement_at_most(remembered: bool, watch: Watch) -> None:  # noqa: FBT001 -- pytest gives it
    store = a_store()
    callers: list[Client] = [store.staff("admin"), token_of(store.staff("admin"), "settings.manage")]
    for caller in callers:
        caller.get("/store")
        if not remembered:
            authentication._memory.clear()
        mark = len(watch.statements)

        assert caller.get("/store").status_code == 200

        asked, *business = watch.statements[mark:]
        assert "lookup.staff_session" in asked or "lookup.api_token" in asked
        assert len(business) == 1  # the store itself


def test_what_a_maker_may_do_is_asked_only_where_a_token_has_one(database: Database) -> None:
    store = a_store()
    of_nobody, of_admin = store.secret_token, issue(store.staff("admin"), "order.read").json()["token"]

    with driver.connect_to(database.superuser_url) as connection:
        cursor = connection.cursor()
        cursor.execute("set local track_functions = 'all'")
        asked = []
        for token in (of_nobody, of_admin):
            cursor.execute("select id from lookup.api_token(%s, null, null, now())", (credentials.digest(token),))
            assert len(cursor.fetchall()) == 1
            cursor.execute(
                "select coalesce(sum(calls), 0)::int from pg_stat_xact_user_functions where funcname = 'granted'"
            )
            asked.append(cursor.fetchone()[0])

    assert asked == [0, 1]


def test_a_limit_is_part_of_what_a_request_was_let_in_with() -> None:
    store = a_store()
    clerk = store.staff(permissions=["order.refund", "token.manage"], limits={"order.refund": 5000})
    issued = token_of(clerk, "order.refund")
    with core_database.transaction() as session:
        told = [
            session.connection()
            .exec_driver_sql(
                "select limits from lookup.api_token(%s, null, null, now())",
                (credentials.digest(issued.headers["Authorization"].removeprefix("Bearer ")),),
            )
            .scalar_one()
        ]
    principal = Principal(kind="api_token", id="x", scopes=frozenset({"order.refund"}), limits={"order.refund": 5000})

    assert told == [["order.refund=5000"]]
    amounts.require_within(principal, "order.refund", Money(5000, "BDT"))
    with pytest.raises(amounts.OverLimit, match=r"50\.00"):
        amounts.require_within(principal, "order.refund", Money(5001, "BDT"))
