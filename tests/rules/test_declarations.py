"""What functions declare: who may call, where they stand, what they are called in the cloud."""

from dataclasses import replace
from pathlib import PurePosixPath
from types import ModuleType
from typing import ClassVar, Self
from uuid import UUID

import pytest

from infra.stages import STAGES
from shared.core import topology
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import NotFound, Problem
from shared.core.functions import Api, schedule
from shared.core.outbox import DomainEvent
from shared.core.schemas import Input, Schema
from shared.core.topology import Topology
from tests.rules import declaration_rules as rules
from tests.rules.sources import ROOT, Source, import_everything, python_sources


@pytest.fixture(scope="module")
def endpoints() -> list[EndpointDeclaration]:
    return [endpoint for _, api in topology.apis() for endpoint in api.endpoints]


@pytest.fixture(scope="module")
def house() -> Topology:
    return topology.load()


@pytest.fixture(scope="module")
def _everything_imported() -> None:
    """Let every problem and every event be known."""
    import_everything()


def test_every_endpoint_says_who_may_call_it(endpoints: list[EndpointDeclaration]) -> None:
    offences = rules.open_doors(endpoints)

    assert len(endpoints) > 0
    assert not offences, "\n".join(offences)


def test_an_endpoint_that_does_not_say_who_may_call_it_is_found(endpoints: list[EndpointDeclaration]) -> None:
    one = endpoints[0]
    planted = [
        replace(one, path="/neither", permission=None, public=None),
        replace(one, path="/both", permission="order.read", public="for a reason that has words"),
        replace(one, path="/unknown", permission="order.peek", public=None),
        replace(one, path="/no-reason", permission=None, public="because"),
        replace(one, path="/right", permission=None, public="carriers read it without a credential"),
    ]

    offences = rules.open_doors(planted)

    assert [offence.split()[1] for offence in offences] == ["/neither:", "/both:", "/unknown:", "/no-reason:"]


def test_an_endpoint_without_a_permission_does_not_even_start() -> None:
    api = Api("orders", prefix="/api/v1/orders", audience="merchant")

    with pytest.raises(TypeError, match="say permission"):
        api.get("")(lambda: None)

    assert api.endpoints == []


def test_every_endpoint_is_documented_for_its_integrators(endpoints: list[EndpointDeclaration]) -> None:
    offences = rules.undocumented(endpoints)

    assert not offences, "\n".join(offences)


def test_an_endpoint_without_a_word_of_documentation_is_found(endpoints: list[EndpointDeclaration]) -> None:
    def get_order() -> None: ...

    offences = rules.undocumented([replace(endpoints[0], call=get_order)])

    assert len(offences) == 1
    assert "get_order has no docstring" in offences[0]


def test_every_body_refuses_a_field_that_it_does_not_have(endpoints: list[EndpointDeclaration]) -> None:
    offences = rules.credulous(endpoints)

    assert not offences, "\n".join(offences)


def test_a_body_that_passes_over_what_it_does_not_know_is_found(endpoints: list[EndpointDeclaration]) -> None:
    class Line(Schema):
        sku: str

    class Order(Input):
        lines: list[Line] | None

    def place(order: Order) -> None: ...

    [offence] = rules.credulous([replace(endpoints[0], call=place)])

    assert "takes Line" in offence


def test_every_endpoint_stands_where_its_audience_looks(endpoints: list[EndpointDeclaration]) -> None:
    offences = rules.misplaced(endpoints)

    assert not offences, "\n".join(offences)


def test_an_endpoint_among_strangers_or_too_slow_is_found(endpoints: list[EndpointDeclaration]) -> None:
    one = replace(endpoints[0], timeout=10)
    planted = [
        replace(one, audience="storefront", path="/api/v1/orders"),
        replace(one, audience="merchant", path="/api/v1/storefront/orders"),
        replace(one, audience="merchant", path="/api/v1/orders", timeout=60),
        replace(one, audience="merchant", path="/api/v1/orders"),
    ]

    assert len(rules.misplaced(planted)) == 3


def test_every_module_of_functions_declares_one_thing() -> None:
    offences = rules.crowded(topology.modules())

    assert not offences, "\n".join(offences)


def test_a_module_that_declares_nothing_or_too_much_is_found() -> None:
    nothing, two, good = (ModuleType(f"functions.orders.{name}") for name in ("nothing", "two", "good"))
    for module in (two, good):
        module.__dict__["api"] = Api("orders", prefix="/api/v1/orders", audience="merchant")
        module.__dict__["handler"] = module.__dict__["api"].lambda_handler()
    sweep = schedule("rate(1 minute)")(lambda: None)
    sweep.__module__ = two.__name__
    two.__dict__["sweep"] = sweep

    offences = rules.crowded([nothing, two, good])

    assert [offence.split(".")[2] for offence in offences] == [
        "nothing: declares nothing",
        "two: declares api, sweep",
    ]


def test_every_function_has_a_name_of_its_own_that_lambda_takes(house: Topology) -> None:
    offences = rules.unnameable(house, STAGES.values())

    assert not offences, "\n".join(offences)


def test_a_doubled_and_a_long_name_of_a_function_are_found(house: Topology) -> None:
    one, long = house.endpoints[0], replace(house.endpoints[0], name="orders-" + "very-" * 10 + "long")
    planted = replace(house, endpoints=(one, one, long))

    offences = rules.unnameable(planted, [STAGES["staging"]])

    assert offences[0] == f"{one.name}: two functions have this name; rename one."
    assert offences[1].startswith("stormcom-staging-orders-very-")
    assert len(offences) == 2


def test_the_house_keeps_clear_of_the_quotas(house: Topology) -> None:
    offences = rules.beyond_the_quotas(house)

    assert not offences, "\n".join(offences)


def test_an_api_of_241_routes_is_found(house: Topology) -> None:
    one = house.endpoints[0]
    planted = replace(
        house, endpoints=tuple(replace(one, domain=f"d{n % 5}", audience="storefront") for n in range(241))
    )

    assert rules.beyond_the_quotas(planted) == [
        "storefront: 241 routes, and 240 are the most. Open a second HTTP API.",
    ]


def test_every_grant_is_a_word_that_the_cloud_knows(house: Topology) -> None:
    offences = rules.unknown_uses(house)

    assert not offences, "\n".join(offences)


def test_a_grant_that_means_nothing_is_found(house: Topology) -> None:
    planted = replace(house, endpoints=(replace(house.endpoints[0], uses=("teleport",)),), consumers=(), schedules=())

    offences = rules.unknown_uses(planted)

    assert len(offences) == 1
    assert "'teleport'" in offences[0]


def test_the_topology_is_the_committed_one(house: Topology) -> None:
    committed = (ROOT / "infra" / "topology.json").read_text("utf-8")

    assert committed == house.to_json(), "The functions have changed: run `make contracts`, and read its diff."


def test_a_changed_function_changes_the_topology(house: Topology) -> None:
    changed = replace(house, endpoints=(replace(house.endpoints[0], memory=house.endpoints[0].memory + 1),))

    assert changed.to_json() != house.to_json()
    assert Topology.from_json(house.to_json()) == house


@pytest.mark.usefixtures("_everything_imported")
def test_every_error_code_means_one_thing() -> None:
    problems = list(rules.subclasses(Problem))

    offences = rules.doubled_codes(problems)

    assert NotFound in problems
    assert not offences, "\n".join(offences)


def test_an_error_code_with_two_meanings_is_found() -> None:
    class OrderGone(Problem):
        status = 404
        code = "not_found"

    offences = rules.doubled_codes([NotFound, OrderGone])

    assert len(offences) == 1
    assert offences[0].startswith("not_found: the code of shared.core.errors.NotFound and tests.")


@pytest.mark.usefixtures("_everything_imported")
def test_every_kind_of_event_has_a_type_of_its_own() -> None:
    events = rules.subclasses(DomainEvent)  # type: ignore[type-abstract]  # nothing is made of it

    offences = rules.doubled_event_types(event for event in events if hasattr(event, "type"))

    assert not offences, "\n".join(offences)


def test_an_event_of_a_taken_or_shapeless_type_is_found() -> None:
    class Placed(DomainEvent):
        type: ClassVar[str] = "order.placed"
        entity: ClassVar[str] = "order"

        def subject(self) -> tuple[UUID, int]:
            return UUID(int=0), 1

        @classmethod
        def example(cls) -> Self:
            return cls()

    class PlacedAgain(Placed):
        pass

    class Shapeless(Placed):
        type: ClassVar[str] = "placed"

    assert rules.doubled_event_types([Placed]) == []
    assert len(rules.doubled_event_types([Placed, PlacedAgain])) == 1
    assert len(rules.doubled_event_types([Shapeless])) == 1


def test_every_kind_of_id_has_a_prefix_of_its_own() -> None:
    offences = rules.doubled_prefixes(python_sources())

    assert not offences, "\n".join(offences)


def test_a_prefix_that_two_kinds_of_id_share_is_found() -> None:
    sources = [_alias("orders", "ord"), _alias("returns", "ord"), _alias("carts", "cart")]

    offences = rules.doubled_prefixes(sources)

    assert len(offences) == 1
    assert offences[0].startswith("ord: declared at shared/orders/schemas.py:1 and shared/returns/schemas.py:1.")


def _alias(domain: str, prefix: str) -> Source:
    return Source(PurePosixPath(f"shared/{domain}/schemas.py"), f"Id = Annotated[UUID, TypeID({prefix!r})]\n")
