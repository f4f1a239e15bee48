"""Every function of the topology is deployed, called by what its declaration says, and told what it needs."""

import json

import pytest

from infra.stages import STAGES, Stage
from shared.core.settings import Settings
from shared.core.topology import Topology
from tests.infra.assembly import Assembly, Resource, text
from tests.infra.conftest import Synthesize
from tests.infra.topologies import a_consumer, a_schedule, a_topology, an_endpoint, functions


def test_each_endpoint_has_a_function_that_serves_it_alone(prod: Assembly) -> None:
    topology = a_topology()

    deployed = prod.functions()

    told = {name: _environment(one).get("STORMCOM_FUNCTION") for name, one in deployed.items()}
    assert {name for name, only in told.items() if only == name} == {one.name for one in topology.endpoints}
    assert {name for name, only in told.items() if only is None} == {
        *(one.name for one in topology.consumers),
        *(one.name for one in topology.schedules),
        "migrations",
    }


def test_with_the_granularity_of_a_domain_an_api_has_one_function_for_all_its_routes(dev: Assembly) -> None:
    deployed = dev.functions()

    assert "STORMCOM_FUNCTION" not in _environment(deployed["orders-api"])
    assert deployed["orders-api"]["MemorySize"] == 1024  # the most that one of its endpoints asks for
    assert deployed["orders-api"]["Handler"] == "functions.orders.api.handler"
    assert "orders-place-order" not in deployed
    assert _routes(dev) == {(one.audience, f"{one.method} {one.path}") for one in a_topology().endpoints}


def test_each_endpoint_is_a_route_of_its_audiences_api(prod: Assembly) -> None:
    assert _routes(prod) == {(one.audience, f"{one.method} {one.path}") for one in a_topology().endpoints}


def test_an_integration_calls_the_published_version_by_the_gateways_role(prod: Assembly) -> None:
    integrations = dict(prod.resources("AWS::ApiGatewayV2::Integration"))

    place_order = integrations["ordersplaceorderintegration"]

    assert place_order["PayloadFormatVersion"] == "2.0"
    assert "ordersplaceorderlive" in text(place_order["IntegrationUri"])  # the alias, which SnapStart needs
    assert "Gateway" in text(place_order["CredentialsArn"])
    assert [one for one in prod.resources("AWS::Lambda::Permission") if "Gateway" in one[0]] == []


def test_functions_have_the_size_that_they_declare_and_the_place_that_all_have(prod: Assembly) -> None:
    place_order = prod.functions()["orders-place-order"]

    assert (place_order["MemorySize"], place_order["Timeout"]) == (1024, 10)
    assert (place_order["Runtime"], place_order["Architectures"]) == ("python3.13", ["arm64"])
    assert len(place_order["VpcConfig"]["SubnetIds"]) == 2
    assert place_order["TracingConfig"] == {"Mode": "Active"}
    assert place_order["SnapStart"] == {"ApplyOn": "PublishedVersions"}


def test_what_a_function_is_told_are_settings_that_it_understands(prod: Assembly) -> None:
    for name, function in prod.functions().items():
        told = {
            key.removeprefix("STORMCOM_").lower(): value
            for key, value in _environment(function).items()
            if key.startswith("STORMCOM_")
        }

        settings = Settings.model_validate(told)

        assert settings.stage == "prod"
        assert settings.database_auth == "iam", name
        assert settings.database_tls, name


def test_only_who_relays_events_is_told_the_subscriptions(prod: Assembly) -> None:
    told = {name for name, one in prod.functions().items() if "STORMCOM_SUBSCRIPTIONS" in _environment(one)}

    assert told == {"events-outbox", "events-sweep-outbox"}
    outbox = _environment(prod.functions()["events-outbox"])
    assert json.loads(outbox["STORMCOM_SUBSCRIPTIONS"]) == {
        "order.canceled": ["reservation-expiry", "order-messages"],
        "order.placed": ["order-messages"],
    }


def test_a_consumer_takes_batches_from_its_queue_and_gives_back_what_failed(prod: Assembly) -> None:
    mappings = dict(prod.resources("AWS::Lambda::EventSourceMapping", stack="functions-orders"))

    [mapping] = mappings.values()

    assert text(mapping["EventSourceArn"]).endswith(":stormcom-prod-order-messages")
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_a_schedule_sends_the_event_that_the_local_scheduler_sends(prod: Assembly) -> None:
    schedules = {one["Name"]: one for _, one in prod.resources("AWS::Scheduler::Schedule")}

    sweep = schedules["stormcom-prod-inventory-sweep-reservations"]

    assert sweep["ScheduleExpression"] == "rate(1 minute)"
    assert schedules["stormcom-prod-inventory-reconcile"]["ScheduleExpression"] == "cron(0 19 * * ? *)"
    event = json.loads(sweep["Target"]["Input"])
    assert (event["id"], event["time"]) == ("<aws.scheduler.execution-id>", "<aws.scheduler.scheduled-time>")
    assert event["detail-type"] == "Scheduled Event"


def test_an_endpoint_that_the_gateway_would_not_wait_for_is_refused(synthesized: Synthesize) -> None:
    slow = a_topology(an_endpoint("orders", "export", timeout=60))

    with pytest.raises(ValueError, match="orders-export may take 60 s; API Gateway waits 29 s at most"):
        synthesized(STAGES["dev"], slow)


def test_an_endpoint_a_worker_and_a_schedule_more_need_a_topology_and_nothing_else(synthesized: Synthesize) -> None:
    more = (
        an_endpoint("reviews", "post-review", method="POST", path="/api/v1/reviews"),
        a_consumer("reviews", "review-moderation", events=("review.posted",)),
        a_schedule("reviews", "sweep-reviews", uses=("queues",)),
    )

    grown = synthesized(STAGES["prod"], a_topology(*more))

    assert {"reviews-post-review", "reviews-review-moderation", "reviews-sweep-reviews"} <= set(grown.functions())
    assert ("merchant", "POST /api/v1/reviews") in _routes(grown)
    queues = {one["QueueName"] for _, one in grown.resources("AWS::SQS::Queue")}
    assert {"stormcom-prod-review-moderation", "stormcom-prod-review-moderation-dead"} <= queues
    relay = _environment(grown.functions()["events-outbox"])
    assert json.loads(relay["STORMCOM_SUBSCRIPTIONS"])["review.posted"] == ["review-moderation"]
    assert "release" in grown.after("functions-reviews")


def test_concurrency_is_reserved_where_the_stage_says_so(synthesized: Synthesize) -> None:
    stage = Stage(name="dev", reserved_concurrency={"orders-place-order": 50})

    deployed = synthesized(stage, a_topology()).functions()

    assert deployed["orders-place-order"]["ReservedConcurrentExecutions"] == 50
    assert "ReservedConcurrentExecutions" not in deployed["inventory-adjust"]


def test_the_committed_topology_is_deployed_whole(committed: Topology, synthesized: Synthesize) -> None:
    assembly = synthesized(STAGES["staging"], committed, checked=True)

    declared = {one.name for one in functions(committed)}
    assert set(assembly.functions()) == declared | {"migrations"}
    assert _routes(assembly) == {(one.audience, f"{one.method} {one.path}") for one in committed.endpoints}


def _environment(function: Resource) -> dict[str, str]:
    return {name: text(value) for name, value in function["Environment"]["Variables"].items()}


def _routes(assembly: Assembly) -> set[tuple[str, str]]:
    audiences = ("merchant", "platform", "storefront")
    return {
        (next(name for name in audiences if f"Ref{name}" in text(route["ApiId"])), route["RouteKey"])
        for _, route in assembly.resources("AWS::ApiGatewayV2::Route")
    }
