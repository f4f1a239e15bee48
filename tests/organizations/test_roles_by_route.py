"""The committed table of roles and routes: it says what the routes declare, and what really happens."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.core import database, driver, permissions, roles_by_route, topology
from shared.core.permissions import STANDARD
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")


def rows() -> dict[str, list[str]]:
    """Return the cells of each merchant's route by its name."""
    merchant = roles_by_route.document().split("## Storefront")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in merchant.splitlines()
        if line.startswith("| `")
    ]
    return {cell[0].strip("`"): cell[1:] for cell in cells}


def test_it_has_a_row_for_each_route_and_says_of_each_role_what_its_permissions_say() -> None:
    merchant = [one for _, api in topology.apis() for one in api.endpoints if one.audience == "merchant"]

    told = rows()

    assert told.keys() == {f"{one.method} {one.path}" for one in merchant}
    for one in merchant:
        expected = [
            "yes" if one.permission is None or permissions.allows(codes, one.permission) else ""
            for codes in STANDARD.values()
        ]
        assert told[f"{one.method} {one.path}"][1:] == expected
        assert ("‡" in told[f"{one.method} {one.path}"][0]) == one.step_up


def test_what_it_says_of_reading_is_what_happens_to_each_role() -> None:
    store = a_store()
    people = {role: store.owner if role == "owner" else store.staff(role) for role in STANDARD}
    reads = [
        route.removeprefix("GET /api/v1")
        for route in rows()
        if route.startswith("GET ") and "{" not in route and "/docs" not in route
    ]
    assert len(reads) > 15

    for path in reads:
        needs, *said = rows()[f"GET /api/v1{path}"]
        happened = ["" if person.get(path).status_code == 403 else "yes" for person in people.values()]
        assert happened == said, f"{path} ({needs})"


def test_who_may_do_what_is_asked_by_the_look_ups_alone() -> None:
    with pytest.raises(DBAPIError) as refused, database.transaction() as session:
        session.execute(text("select * from lookup.granted(null, null, null, now())"))

    assert driver.sqlstate(refused.value) == "42501"
