"""Elevation, repudiation and denial of service: what is tried by somebody who was let in, with what they were given."""

from datetime import timedelta

import pytest

from shared.core import clock, driver, ids
from tests.client import Answer
from tests.database import Database, Sql
from tests.factories import StoreUnderTest, a_store
from tests.identity import factors
from tests.identity.people import a_browser, a_person, an_address
from tests.security.siege import Siege, refusal

pytestmark = pytest.mark.usefixtures("application")


@pytest.fixture
def siege(sql: Sql) -> Siege:
    return Siege(sql)


def test_a_manager_of_staff_makes_nobody_more_than_they_are_themselves(siege: Siege) -> None:
    store = a_store()
    manager = store.staff(permissions=["staff.manage", "product.read"])
    colleague = store.staff("viewer")

    with siege.of(store.id, store.organization_id, colleague.user_id):
        answers = [
            manager.post("/organization/roles", json={"name": "Boss", "permissions": [{"code": "order.refund"}]}),
            manager.post("/organization/roles", json={"name": "Boss", "permissions": [{"code": "admin.superuser"}]}),
            manager.patch(f"/organization/members/{colleague.member}", json={"role": "admin"}),
        ]

    assert {answer.status_code for answer in answers} <= {403, 422}
    assert [refusal(answer) for answer in answers][-1] == (403, "beyond_your_own")
    assert len(siege.noted(store.organization_id, "beyond_your_own")) >= 1


def test_nobody_changes_their_own_role(siege: Siege) -> None:
    store = a_store()
    admin = store.staff("admin")

    with siege.of(store.organization_id):
        answer = admin.patch(f"/organization/members/{admin.member}", json={"role": "viewer"})

    assert refusal(answer) == (403, "own_standing")
    assert len(siege.noted(store.organization_id, "own_standing")) == 1


def test_a_missing_permission_is_refused_to_a_person_as_to_a_token(siege: Siege) -> None:
    store = a_store(stock={"MUG": 1})
    viewer, token = store.staff("viewer"), store.token("product.read")

    with siege.of(store.id):
        answers = [
            caller.post(
                f"/inventory/{store.variants['MUG']}/adjustments",
                json={"delta": 5, "kind": "manual", "reason": "Found"},
                key=True,
            )
            for caller in (viewer, token)
        ]

    assert [refusal(answer) for answer in answers] == [(403, "forbidden")] * 2
    assert {one["actor_kind"] for one in siege.noted(store.id, "forbidden")} == {"staff", "api_token"}
    assert store.stock("MUG")["on_hand"] == 1


def test_a_token_is_worth_no_more_than_its_maker_is_today(siege: Siege, sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    maker = store.staff("admin")
    made = maker.post("/credentials", json={"name": "Mine", "scopes": ["product.write"]})
    assert made.status_code == 201, made.text
    sql("update organization_members set role = 'viewer' where id = %s", maker.member_id)

    with siege.of(store.id):
        answer = StoreUnderTest.bearer(made.json()["token"]).post("/products", json={"title": "Teapot"})

    assert refusal(answer) == (403, "forbidden")
    assert len(siege.noted(store.id, "forbidden")) == 1


def test_fields_that_nobody_may_set_are_refused(siege: Siege) -> None:
    store = a_store(stock={"MUG": 1})
    [product] = store.merchant.get("/products").json()["data"]
    person = a_person()
    me, owner = person.signed_in(), store.owner
    assert store.shopper.get("/storefront/store").status_code == 200  # from here on the key is known to be in use

    with siege.of(store.id, store.organization_id, person.id):
        answers = [
            store.merchant.patch("/store", json={"status": "closed", "slug": "mine", "currency": "USD"}),
            store.merchant.patch(f"/products/{product['id']}", json={"title": "Teapot", "store_id": "x", "version": 9}),
            owner.patch(f"/organization/members/{owner.member}", json={"role": "admin", "user_id": "x"}),
            me.put("/session/place", json={"organization_id": None, "permissions": ["admin.superuser"]}),
            store.shopper.post(
                "/storefront/carts", json={"lines": [{"variant_id": store.variants["MUG"], "quantity": 1, "price": 1}]}
            ),
        ]

    assert {refusal(answer) for answer in answers} == {(422, "validation_failed")}
    assert [
        [error["pointer"] for error in answer.json()["errors"] if error["code"] == "unknown_field"]
        for answer in answers
    ] == [
        ["/status", "/slug", "/currency"],
        ["/store_id", "/version"],
        ["/user_id"],
        ["/permissions"],
        ["/lines/0/price"],
    ]
    assert {one["after"]["route"] for one in siege.noted(store.id, "unknown_field")} >= {
        "stores-edit-store",
        "catalog-edit-product",
    }
    assert len(siege.noted(store.organization_id, "unknown_field")) == 1
    assert len(siege.noted(person.id, "unknown_field")) == 1


def test_a_field_that_nobody_may_set_is_refused_of_one_product_of_a_batch(siege: Siege) -> None:
    store = a_store()
    smuggled = {"title": "Pot", "variants": [{"price": 1, "sku": "POT", "reserved": -5}]}
    plain = {"title": "Cup", "variants": [{"price": 1, "sku": "CUP"}]}

    answer = store.merchant.post("/products/batch", json={"products": [smuggled, plain]}, key=True)

    refused, made = answer.json()["products"]
    assert (refused["status"], made["status"]) == (422, 201)
    assert [(error["pointer"], error["code"]) for error in refused["problem"]["errors"]] == [
        ("/variants/0/reserved", "unknown_field")
    ]
    assert [product["title"] for product in store.merchant.get("/products").json()["data"]] == ["Cup"]
    assert [one["after"]["status"] for one in siege.noted(store.id, "unknown_field")] == [422]


@pytest.mark.parametrize("change", ["suspended_at = now()", "role = 'viewer'"])
def test_who_was_suspended_or_demoted_is_so_at_their_next_request(change: str, siege: Siege, sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    member = store.staff("admin")
    assert member.get("/credentials").status_code == 200
    sql(f"update organization_members set {change} where id = %s", member.member_id)

    with siege.of(store.id, store.organization_id):
        answer = member.get("/credentials")

    assert answer.status_code == 403


def test_what_is_risky_needs_a_proof_of_the_last_minutes(siege: Siege, sql: Sql) -> None:
    store = a_store()
    owner = store.owner
    sql("update sessions set proven_at = %s where id = %s", clock.now() - timedelta(minutes=6), owner.session_id)

    with siege.of(store.id, store.organization_id):
        answers = [
            owner.post("/credentials", json={"name": "Mine", "scopes": ["product.read"]}),
            owner.post("/organization/roles", json={"name": "Boss", "permissions": [{"code": "product.read"}]}),
            owner.post("/organization/ownership", json={"member_id": ids.encode("member", owner.member_id)}),
        ]

    assert {refusal(answer) for answer in answers} == {(403, "step_up_required")}
    assert len(siege.noted(store.id, "step_up_required")) == 1
    assert len(siege.noted(store.organization_id, "step_up_required")) == 2


def test_a_code_of_an_authenticator_that_was_read_is_worth_nothing_once_it_was_used(siege: Siege, sql: Sql) -> None:
    person = a_person()
    code = factors.have(person.id)[0]
    first = complete(factors.challenge(person.id), code)
    challenge = factors.challenge(person.id)

    with siege.of(person.id):
        replayed = complete(challenge, code)

    assert first.status_code == 200
    assert refusal(replayed) == (403, "wrong_code")
    [noted] = sql(
        "select count(*) as n from audit_entries where store_id = %s and action = 'second_factor.refused'", person.id
    )
    assert noted["n"] == 1


def complete(challenge: str, code: str) -> Answer:
    return a_browser().post("/session/second-factor", json={"challenge": challenge, "code": code})


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set action = 'nothing' where store_id = '{store}'",
        "delete from audit_entries where store_id = '{store}'",
        "update audit_blocks set mac = mac where store_id = '{store}'",
        "delete from audit_blocks where store_id = '{store}'",
        "update domain_events set payload = '{{}}' where store_id = '{store}'",
        "delete from inventory_adjustments where store_id = '{store}'",
        "truncate audit_entries",
    ],
)
def test_what_happened_can_not_be_undone_by_whoever_has_the_applications_rights(
    statement: str, database: Database
) -> None:
    store = a_store(stock={"MUG": 1})

    with driver.connect_to(database.app_url) as connection:
        cursor = connection.cursor()
        cursor.execute(f"set local app.store_id = '{store.id}'")
        with pytest.raises(driver.DatabaseError) as refused:
            cursor.execute(statement.format(store=store.id))
        connection.rollback()

    assert driver.sqlstate(refused.value) == "42501"


def test_who_did_it_stands_in_the_entry_with_from_where_and_by_which_request(sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    staff = store.staff("admin")
    [product] = store.merchant.get("/products").json()["data"]

    answer = staff.patch(
        f"/products/{product['id']}",
        json={"title": "Teapot"},
        headers={"X-Correlation-Id": "of-this-request", "User-Agent": "A browser"},
    )

    assert answer.status_code == 200
    [entry] = sql(
        "select actor_kind, actor_id, before, after, user_agent, ip is not null as has_address from audit_entries "
        "where store_id = %s and correlation_id = 'of-this-request'",
        store.id,
    )
    assert (entry["actor_kind"], entry["actor_id"]) == ("staff", str(staff.user_id))
    assert (entry["before"]["title"], entry["after"]["title"]) == ("Product MUG", "Teapot")
    assert (entry["user_agent"], entry["has_address"]) == ("A browser", True)


def test_guessing_passwords_ends_for_accounts_that_exist_and_that_do_not_alike(siege: Siege) -> None:
    person, unknown = a_person(), an_address()

    with siege.of(person.id):
        tries = {
            email: [
                a_browser().post("/session", json={"email": email, "password": f"guess {n} of many"}).status_code
                for n in range(31)
            ]
            for email in (person.email, unknown)
        }

    assert tries[person.email] == tries[unknown]
    assert (tries[unknown][0], tries[unknown][-1]) == (401, 429)
    assert len(siege.noted(None, "too_many_requests")) >= 1


def test_a_session_that_is_over_opens_nothing_and_is_noted(siege: Siege, sql: Sql) -> None:
    store = a_store(stock={"MUG": 1})
    staff = store.staff("admin")
    sql("update sessions set expires_at = now() where id = %s", staff.session_id)
    before = len(siege.noted(None, "unauthenticated"))

    with siege.of(store.id):
        answer = staff.post("/products", json={"title": "Teapot"})

    assert refusal(answer) == (401, "unauthenticated")
    assert len(siege.noted(None, "unauthenticated")) == before + 1
