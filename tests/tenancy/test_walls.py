"""Every route against every stranger: nobody, the wrong credential, an ended one, and another store's ids.

Each route is first shown to succeed with its own ids and credential, and once more after all refusals: so a refusal was
for the stranger's sake. What another store has is compared byte by byte before and after.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property

import pytest

from shared.core import clock, ids, topology
from shared.core.declarations import EndpointDeclaration
from shared.core.topology import Endpoint
from tests.application import Watch
from tests.client import Answer, Client
from tests.database import Sql
from tests.figures import Figures
from tests.rules.locks import Table
from tests.staff import Person, a_person
from tests.tenancy import fields
from tests.tenancy.calls import Call, ids_in
from tests.tenancy.routes import BY_ANYBODY, CASES, WITHOUT_STORE
from tests.tenancy.rows import ids_of, rows_of, tables_of_stores
from tests.tenancy.world import World, a_world, an_operator

LINE = "walls between stores"
# A refusal leaves its trace in the caller's own store, and its answer for the request's key.
TRACES = frozenset({"public.audit_entries", "public.unsealed_entries"})
# Every few minutes it is written down that the caller's own token is in use.
USES = frozenset({"public.credentials", "public.token_uses"})
KEYS = TRACES | USES | {"public.idempotency_keys", "public.throttles"}
ENDPOINTS = {endpoint.name: endpoint for endpoint in topology.load().endpoints}
DECLARED = {one.name: one for _, api in topology.apis() for one in api.endpoints}

pytestmark = pytest.mark.usefixtures("application")


@dataclass
class Sides:
    """Two stores that have the same kinds of things."""

    mine: World
    theirs: World


@pytest.fixture(scope="module")
def sides(application: None) -> Sides:  # noqa: ARG001 -- worlds are made by its API
    """Return two worlds that the tests of a worker share: each call makes what it uses up."""
    return Sides(a_world(), a_world())


@dataclass
class Route:
    """One route under siege, by one of its cases."""

    endpoint: Endpoint
    sides: Sides
    sql: Sql
    answers: list[tuple[str, str, World]] = field(default_factory=list)  # what was told, beside what was sent, to whom

    @cached_property
    def operator(self) -> Client:
        """A platform operator with the route's permission."""
        return an_operator(self.sql, self.endpoint.permission or "admin.superuser")

    def key(self) -> str | None:
        """Return a new Idempotency-Key for a route that writes."""
        return None if self.endpoint.method == "GET" else str(ids.new_id())

    @cached_property
    def declared(self) -> EndpointDeclaration:
        """What the route says of itself."""
        return DECLARED[self.endpoint.name]

    @property
    def is_for_people(self) -> bool:
        """Whether it is for who has signed in, and for no token."""
        return self.endpoint.audience == "merchant" and self.declared.tenant != "store"

    def insider(self, world: World, call: Call) -> Client:
        """Return who may call the route for a store."""
        if call.by is not None:
            return call.by
        clients = {"merchant": world.store.merchant, "storefront": world.store.shopper}
        return clients.get(self.endpoint.audience) or self.operator

    def send(self, call: Call, client: Client, key: str | None, *, to: World) -> Answer:
        """Send a request as that store, or as nobody; keep what it told beside what was sent."""
        answer = call.send(client, self.endpoint.method, self.endpoint.path, key)
        told = answer.text + str(answer.headers)
        for text in call.carried():
            told = told.replace(text, "")
        self.answers.append((told, answer.text, to))
        return answer

    def leaks(self, tables: list[Table]) -> list[str]:
        """Return the answers that hold a text or an id of the other store's which the caller did not send."""
        sides, found = self.sides, []
        for mine, theirs in ((sides.mine, sides.theirs), (sides.theirs, sides.mine)):
            foreign = ids_of(self.sql, theirs.store.id, tables)
            for told, whole, to in self.answers:
                if to is mine and (theirs.word in told.lower() or theirs.phone in told or ids_in(told) & foreign):
                    found.append(whole)
        return found

    def strangers(self) -> dict[str, tuple[Client, int]]:
        """Return who may not call the route, and the status that tells them."""
        world = self.sides.mine
        token, key = world.store.secret_token, world.store.publishable_key
        strangers = {"nobody": (Client(), 401), "a made-up token": (_bearer("sk_" + "0" * 36), 401)}
        match self.endpoint.audience:
            case "merchant":
                strangers["the publishable key"] = (_bearer(key), 401)
                strangers["a publishable key in its own place"] = (_keyed(key), 401)
                strangers["an operator"] = (an_operator(self.sql, "admin.superuser"), 401)
                strangers |= self._strangers_who_signed_in()
                if self.is_for_people:
                    strangers["the store's token"] = (_bearer(token), 401)
                    return strangers
                strangers["a token of all other scopes"] = (
                    _bearer(world.token_without(self.endpoint.permission or "")),
                    403,
                )
                strangers["an expired token"] = (_bearer(world.expired(self.sql)[0]), 401)
                strangers["a revoked token"] = (_bearer(world.revoked[0]), 401)
            case "storefront":
                strangers["a merchant's token"] = (_bearer(token), 401)
                strangers["a merchant's token for a key"] = (_keyed(token), 401)
                strangers["an expired key"] = (_keyed(world.expired(self.sql)[1]), 401)
                strangers["a revoked key"] = (_keyed(world.revoked[1]), 401)
            case _:
                strangers["a merchant's token"] = (_bearer(token), 401)
                strangers["an operator of another scope"] = (an_operator(self.sql, "audit.read"), 403)
                strangers["an expired operator"] = (an_operator(self.sql, "admin.superuser", expired=True), 401)
                strangers["a revoked operator"] = (an_operator(self.sql, "admin.superuser", revoked=True), 401)
        return strangers

    def _strangers_who_signed_in(self) -> dict[str, tuple[Client, int]]:
        """Return people with a session who may not call the route, and sessions that are over."""
        world, permission = self.sides.mine, self.endpoint.permission
        over = ("expires_at", "ended_at", "last_seen_at")
        strangers: dict[str, tuple[Client, int]] = {
            f"a session that is over by {column}": (world.ended_session(self.sql, column), 401) for column in over
        }
        strangers["another site's page"] = (_from_another_site(world.at_work()), 403)
        if self.endpoint.method == "GET":
            del strangers["another site's page"]
        if permission is not None:
            strangers["a member of staff who may do all but this"] = (world.without(permission), 403)
        if self.declared.step_up:
            strangers["a session proven too long ago"] = (_proven_long_ago(world.at_work(), self.sql), 403)
        if self.declared.tenant in ("store", "organization"):
            strangers["who has left the place"] = (_elsewhere(world.colleague, self.sides.theirs), 403)
            strangers["who works nowhere"] = (a_person(), 403)
        return strangers


def test_each_route_has_a_case_here_and_each_case_a_route() -> None:
    with_case = {route for route, _ in CASES.values()} | WITHOUT_STORE.keys() | BY_ANYBODY.keys()

    missing = sorted(ENDPOINTS.keys() - with_case)
    unknown = sorted(with_case - ENDPOINTS.keys())
    assert missing == [], f"add to tests/tenancy/routes/ how these routes are called: {', '.join(missing)}"
    assert unknown == [], f"take these out of tests/tenancy/routes/, they have no route: {', '.join(unknown)}"


def test_each_id_that_a_route_takes_is_named_by_one_of_its_cases(sides: Sides, figures: Figures) -> None:
    named: dict[str, set[str]] = {}
    for name, (route, case) in CASES.items():
        places = list(case(sides.mine).positions())
        named.setdefault(route, set()).update(f"{place.part} {place.name}" for place in places)
        figures.add_distinct(LINE, "id positions", [f"{name} {place}" for place in places])

    unnamed = {route: taken - named[route] for route, taken in fields.naming_rows().items() if route in named}

    gaps = [f"{route}: {', '.join(sorted(gap))}" for route, gap in sorted(unnamed.items()) if gap]
    assert gaps == [], "add cases to tests/tenancy/routes/ in which these fields name something"


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_route_opens_to_its_own_store_and_to_no_stranger(name: str, sides: Sides, sql: Sql, figures: Figures) -> None:
    endpoint, (_, case) = ENDPOINTS[CASES[name][0]], CASES[name]
    route, mine, theirs = Route(endpoint, sides, sql), sides.mine, sides.theirs
    tables = tables_of_stores(sql)
    used, key = case(theirs), route.key()
    strangers = route.strangers()

    # The same key in two stores: each request is carried out, and neither gets the other's answer. Where there are ids,
    # that key comes with the other's own request below; operators' keys belong to no store.
    opens(route, used, theirs, key)
    opens(route, case(mine), mine, route.key() if endpoint.audience == "platform" or any(used.positions()) else key)
    call, other = case(mine), case(theirs)
    before = [rows_of(sql, world.store.id, tables) for world in (mine, theirs)]
    for who, (client, status) in strangers.items():
        answer = route.send(call, client, route.key(), to=mine)
        assert answer.status_code == status, f"{who}: {answer.text}"
        assert mine.word not in answer.text.lower().replace(str(call.path.get("slug")), "")
    if isinstance(call.json, dict):
        takes_no_further_field(route, call)
    unchanged = [rows_of(sql, world.store.id, tables) for world in (mine, theirs)]
    if endpoint.audience != "platform":
        reaches_nothing_of(route, call, other, used, key)
    after = [rows_of(sql, world.store.id, tables) for world in (mine, theirs)]

    assert [now.changed_since(then, but=TRACES) for now, then in zip(unchanged, before, strict=True)] == [[], []]
    assert after[1].changed_since(before[1]) == []
    assert after[0].changed_since(before[0], but=KEYS) == []
    opens(route, call, mine, route.key())
    opens(route, other, theirs, route.key())
    assert route.leaks(tables) == []
    figures.add(LINE, cases=1, requests=len(route.answers))
    figures.add_distinct(LINE, "routes", [endpoint.name])


@pytest.mark.parametrize("name", sorted(WITHOUT_STORE))
def test_a_route_for_everybody_says_why_and_touches_no_stores_table(name: str, watch: Watch, figures: Figures) -> None:
    endpoint, call = ENDPOINTS[name], WITHOUT_STORE[name]
    mark = len(watch.statements)

    answer = call.send(Client(), endpoint.method, endpoint.path, None)

    assert answer.status_code < 300, answer.text
    assert endpoint.public
    assert watch.on_stores_tables_since(mark) == []
    figures.add_distinct(LINE, "routes", [endpoint.name])


def test_the_siege_notices_a_credential_that_opens_the_wrong_store(sides: Sides, sql: Sql) -> None:
    mine, theirs = sides.mine, sides.theirs
    impostor = replace(mine, store=theirs.store)  # what is asked of my store is asked with a key of theirs
    route = Route(ENDPOINTS["catalog-get-product"], Sides(impostor, theirs), sql)
    case = CASES["catalog-get-product"][1]
    call, other = case(mine), case(theirs)

    with pytest.raises(AssertionError, match="path product_id"):
        reaches_nothing_of(route, call, other, other, None)

    assert len(route.leaks(tables_of_stores(sql))) == 1


def test_what_another_store_is_called_is_no_way_in(sides: Sides) -> None:
    mine, theirs = sides.mine, sides.theirs
    host = {"Host": f"{theirs.store.slug}.shops.test"}

    read = mine.store.merchant.get("/store", headers=host | {"X-Store-Id": str(theirs.store.id)})
    shown = mine.store.shopper.get("/storefront/store", headers=host, params={"store_id": str(theirs.store.id)})

    assert read.json()["name"] == f"Shop {mine.word}"
    assert shown.json()["name"] == f"Shop {mine.word}"


def test_the_credentials_of_a_store_that_was_suspended_open_nothing(sql: Sql) -> None:
    world = a_world()
    assert world.store.merchant.get("/store").status_code == 200
    sql("update stores set status = 'suspended' where id = %s", world.store.id)

    refused = [
        world.store.merchant.get("/store"),
        world.store.shopper.get("/storefront/store"),
        Client({"Host": f"{world.store.slug}.shops.test"}).get("/storefront/store"),
    ]

    assert [answer.status_code for answer in refused] == [401, 401, 401]


def opens(route: Route, call: Call, world: World, key: str | None) -> None:
    answer = route.send(call, route.insider(world, call), key, to=world)
    assert 200 <= answer.status_code < 400, answer.text  # a redirect is an answer, too
    assert "idempotent-replayed" not in answer.headers


def reaches_nothing_of(route: Route, call: Call, other: Call, used: Call, used_key: str | None) -> None:
    """Send another store's ids with our credential: one place after the other, all at once, and what they sent."""
    mine = route.sides.mine
    positions = list(call.positions())
    probes = {str(position): (call.with_theirs(position, other), route.key()) for position in positions}
    if positions:
        probes |= {"everything": (other, route.key()), "their own request": (used, used_key)}
    for what, (probe, key) in probes.items():
        answer = route.send(probe, route.insider(mine, call), key, to=mine)
        if call.narrows:
            expected = {200, 400} if probe.path == call.path else {404}
        elif probe.json == call.json or not any(place.part == "json" for place in positions):
            expected = {404}
        else:
            expected = {403, 404, 409, 422} if call.by is not None else {404, 409, 422}
        assert answer.status_code in expected, f"{what}: {answer.text}"


def takes_no_further_field(route: Route, call: Call) -> None:
    """Send along what nobody sets in a body: whose the row is, which one, and as which permission it counts."""
    mine, theirs = route.sides.mine, route.sides.theirs
    further = {"owner_id": ids.encode("store", theirs.store.id), "created_by": "x", "permission": "admin.superuser"}
    answer = route.send(call.with_further(further), route.insider(mine, call), route.key(), to=mine)
    assert answer.status_code == 422, answer.text
    told = {error["pointer"] for error in answer.json()["errors"] if error["code"] == "unknown_field"}
    assert told == {f"/{name}" for name in further}, answer.text


def _bearer(token: str) -> Client:
    return Client({"Authorization": f"Bearer {token}"})


def _keyed(key: str) -> Client:
    return Client({"X-Publishable-Key": key})


def _from_another_site(person: Person) -> Person:
    return replace(person, headers=person.headers | {"Sec-Fetch-Site": "cross-site"})


def _proven_long_ago(person: Person, sql: Sql) -> Person:
    sql("update sessions set proven_at = %s where id = %s", clock.now() - timedelta(minutes=6), person.session_id)
    return person


def _elsewhere(person: Person, theirs: World) -> Person:
    """Return them in a session that claims to be at work where they never worked."""
    return person.at(organization_id=theirs.store.organization_id, store_id=theirs.store.id)
