"""The access review: who may do what in which store, since when, by what, and when they were last seen."""

import csv
import io
from datetime import timedelta

import pytest

from shared.core import clock, ids
from tests.factories import a_store
from tests.staff import code

pytestmark = pytest.mark.usefixtures("watch")

REVIEW = "/organization/access-review"


def test_it_says_of_people_and_tokens_what_they_may_do_where_and_by_what() -> None:
    store = a_store()
    clerk = store.staff(permissions=["order.read", "order.refund", "token.manage"], limits={"order.refund": 5000})
    till = clerk.post("/credentials", json={"name": "Till", "scopes": ["order.read", "order.refund"]}).json()
    until = (clock.now() + timedelta(days=1)).isoformat()
    exceptions = f"/organization/members/{clerk.member}/overrides"
    store.owner.put(f"{exceptions}/order.read", json={"effect": "deny", "reason": "Audit"})
    fair = {"effect": "grant", "reason": "Fair", "expires_at": until}
    store.owner.put(f"{exceptions}/product.read", json=fair)
    away = store.staff("viewer")
    store.owner.post(f"/organization/members/{away.member}/suspend")

    review = store.owner.get(REVIEW)

    assert review.status_code == 200, review.text
    [access] = review.json()["stores"]
    people = {person["email"]: person for person in access["people"]}
    assert people.keys() == {store.owner.email, clerk.email}
    assert [one["permission"] for one in people[store.owner.email]["permissions"]] == ["admin.superuser"]
    told = {one["permission"]: (one["up_to"], one["by"]) for one in people[clerk.email]["permissions"]}
    assert told == {
        "order.refund": (5000, "role"),
        "token.manage": (None, "role"),
        "product.read": (None, "override"),
    }
    assert people[clerk.email]["denied"] == ["order.read"]
    assert people[clerk.email]["last_seen_at"] is not None
    tokens = {one["credential_id"]: one["permissions"] for one in access["tokens"]}
    assert [(one["permission"], one["up_to"]) for one in tokens[till["credential"]["id"]]] == [("order.refund", 5000)]
    assert [one["member_id"] for one in review.json()["suspended"]] == [away.member]


def test_what_it_says_of_a_token_is_what_the_token_is_let_do() -> None:
    store = a_store()
    admin = store.staff("admin")
    every = admin.post("/credentials", json={"name": "All", "scopes": ["settings.manage", "product.read"]}).json()
    token = store.bearer(every["token"])
    store.owner.patch(f"/organization/members/{admin.member}", json={"role": "viewer"})

    [access] = store.owner.get(REVIEW).json()["stores"]

    [held] = [one["permissions"] for one in access["tokens"] if one["credential_id"] == every["credential"]["id"]]
    assert [one["permission"] for one in held] == ["product.read"]
    assert (token.get("/products").status_code, token.get("/store").status_code) == (200, 403)


def test_as_a_file_it_has_a_line_for_each_permission_and_no_formula() -> None:
    store = a_store()
    store.owner.patch("/store", json={"name": "=cmd()"})
    viewer = store.staff("viewer")

    file = store.owner.get(REVIEW + ".csv")

    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.body.decode("utf-8-sig"))))
    lines = [(row["Permission"], row["By"]) for row in rows if row["E-mail"] == viewer.email]
    assert lines == [
        (permission, "role")
        for permission in ("analytics.view", "customer.read", "inventory.read", "order.read", "product.read")
    ]
    assert {row["Store"] for row in rows} == {"'=cmd()"}


def test_who_works_in_one_store_sees_that_one_alone() -> None:
    store = a_store()
    body = {"name": "Second", "slug": f"second-{ids.new_id().hex[-12:]}"}
    second = ids.decode("store", store.owner.post("/organization/stores", json=body).json()["store"]["id"])
    auditor = store.staff(permissions=["audit.view"], store_ids=[store.id])
    store.staff("viewer", store_ids=[second])

    seen, whole = auditor.get(REVIEW).json(), store.owner.get(REVIEW).json()

    assert [one["store_id"] for one in seen["stores"]] == [ids.encode("store", store.id)]
    assert [len(one["people"]) for one in seen["stores"]] == [2]
    assert [len(one["people"]) for one in whole["stores"]] == [2, 2]


def test_it_is_for_auditors_alone() -> None:
    store = a_store()

    assert code(store.staff("member").get(REVIEW)) == (403, "forbidden")
    assert store.staff(permissions=["audit.view"]).get(REVIEW).status_code == 200
