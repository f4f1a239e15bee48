"""Every consumer has a queue, a place for what it gives up, and somebody who is told."""

from infra.stages import STAGES
from tests.infra.assembly import Assembly, Resource
from tests.infra.topologies import a_topology


def test_each_consumer_has_a_queue_and_dead_letters(prod: Assembly) -> None:
    wanted = {consumer.queue for consumer in a_topology().consumers}

    queues = _queues(prod)

    assert set(queues) == wanted | {f"{name}-dead" for name in wanted}


def test_a_message_is_given_up_after_as_many_tries_as_its_consumer_says(prod: Assembly) -> None:
    queues = _queues(prod)

    redrive = {name: one["RedrivePolicy"]["maxReceiveCount"] for name, one in queues.items() if "RedrivePolicy" in one}

    assert redrive == {"outbox": 5, "order-messages": 5, "reservation-expiry": 8}


def test_a_batch_stays_hidden_for_six_times_its_functions_timeout(prod: Assembly) -> None:
    assert _queues(prod)["outbox"]["VisibilityTimeout"] == 6 * 60


def test_dead_letters_outlive_the_queue_that_they_come_from(prod: Assembly) -> None:
    queues = _queues(prod)

    days = {name: queues[name]["MessageRetentionPeriod"] / 86_400 for name in ("outbox", "outbox-dead")}

    assert days == {"outbox": 7, "outbox-dead": 14}


def test_every_queue_is_encrypted_and_refuses_what_comes_without_tls(prod: Assembly) -> None:
    queues = dict(prod.resources("AWS::SQS::Queue"))

    guarded = [
        policy["Queues"][0]["Ref"]
        for _, policy in prod.resources("AWS::SQS::QueuePolicy")
        for one in policy["PolicyDocument"]["Statement"]
        if one["Effect"] == "Deny" and one["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    ]

    assert sorted(guarded) == sorted(queues)
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())


def test_one_dead_letter_or_a_message_that_waits_wakes_somebody(prod: Assembly) -> None:
    alarms = {one["AlarmName"]: one for _, one in prod.resources("AWS::CloudWatch::Alarm", stack="messaging")}

    dead, waits = alarms["stormcom-prod-outbox-dead-letters"], alarms["stormcom-prod-outbox-waits"]

    assert (dead["MetricName"], dead["Threshold"], dead["ComparisonOperator"]) == (
        "ApproximateNumberOfMessagesVisible",
        0,
        "GreaterThanThreshold",
    )
    assert (waits["MetricName"], waits["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)
    assert len(alarms) == 2 * len(a_topology().consumers)
    topic = prod.one("AWS::SNS::Subscription", stack="messaging")
    assert (topic["Protocol"], topic["Endpoint"]) == ("email", STAGES["prod"].alarms_to)


def test_a_stage_that_nobody_watches_has_no_alarms(dev: Assembly) -> None:
    assert list(dev.resources("AWS::CloudWatch::Alarm")) == []
    assert list(dev.resources("AWS::SNS::Topic")) == []


def _queues(assembly: Assembly) -> dict[str, Resource]:
    return {one["QueueName"].split("-", 2)[2]: one for _, one in assembly.resources("AWS::SQS::Queue")}
