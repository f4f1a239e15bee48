"""Every consumer's queue with its dead-letter queue, and the topic that alarms go to.

A queue is named for what it carries, so that functions reach it by a prefix and stacks by its name: no export ties the
removal of a consumer to the order of deployments.
"""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.stages import Stage
from shared.core.topology import Consumer, Topology

DEAD = "-dead"  # what a dead-letter queue's name ends with, here and on a laptop
VISIBILITY = 6  # times the function's timeout, as AWS asks: a batch that is being retried must not be handed out twice
WAITED_TOO_LONG = Duration.minutes(15)


class Messaging(Stack):
    """The queues of a stage and their alarms."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, topology: Topology) -> None:
        """Set up a pair of queues for each consumer of the topology."""
        super().__init__(scope, name, description="StormCom: queues, dead letters, alarms.")
        self._stage = stage
        self.alarms = self._topic() if stage.alarms_to else None
        for consumer in topology.consumers:
            self._queue(consumer)

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name=self._stage.named("alarms"), enforce_ssl=True)
        if self._stage.alarms_to:
            topic.add_subscription(subscriptions.EmailSubscription(self._stage.alarms_to))
        self.export_value(topic.topic_arn)
        return topic

    def _queue(self, consumer: Consumer) -> None:
        removal = RemovalPolicy.RETAIN if self._stage.keep_data else RemovalPolicy.DESTROY
        dead = sqs.Queue(
            self,
            f"{consumer.queue}{DEAD}",
            queue_name=self._stage.named(consumer.queue + DEAD),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),  # the longest there is: a person has to look
            removal_policy=removal,
        )
        queue = sqs.Queue(
            self,
            consumer.queue,
            queue_name=self._stage.named(consumer.queue),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            # Shorter than the dead letters', since a moved message keeps the date on which it was first sent.
            retention_period=Duration.days(7),
            visibility_timeout=Duration.seconds(VISIBILITY * consumer.timeout),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=consumer.receives, queue=dead),
            removal_policy=removal,
        )
        if self.alarms is None:
            return
        minute = Duration.minutes(1)
        self._alarm(
            f"{consumer.queue}-dead-letters",
            dead.metric_approximate_number_of_messages_visible(period=minute, statistic="Maximum"),
            above=0,
            means=f"Messages of {consumer.queue} were given up after {consumer.receives} tries; look and redrive.",
        )
        self._alarm(
            f"{consumer.queue}-waits",
            queue.metric_approximate_age_of_oldest_message(period=minute, statistic="Maximum"),
            above=WAITED_TOO_LONG.to_seconds(),
            means=f"A message of {consumer.queue} has waited for {WAITED_TOO_LONG.to_minutes()} minutes.",
        )

    def _alarm(self, name: str, metric: cloudwatch.Metric, *, above: float, means: str) -> None:
        alarm = metric.create_alarm(
            self,
            f"Alarm-{name}",
            alarm_name=self._stage.named(name),
            alarm_description=means,
            threshold=above,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        if self.alarms is not None:
            alarm.add_alarm_action(actions.SnsAction(self.alarms))
