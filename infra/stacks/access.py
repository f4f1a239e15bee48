"""Who may do what: one role for each distinct set of grants, and the roles by which AWS calls our functions.

An account holds 1,000 roles by default, so a role a function would spend them on five stages of two hundred functions.
Most functions use nothing but the database and share one role; a role's name says the words it stands for.

When the last function of a set of grants goes, CloudFormation refuses to remove the role while that function's stack
still stands on it. Then deploy that domain's stack first: `cdk deploy stormcom-STAGE-functions-DOMAIN --exclusively`.
"""

import hashlib
from collections.abc import Iterable, Iterator

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.stacks.acknowledgements import acknowledge_wildcard
from infra.stacks.data import APPLICATION, Data
from infra.stages import Stage
from infra.uses import CONSUMES, Allow, meanings
from shared.core.topology import Endpoint, Schedule, Topology

OUTBOX = "outbox"  # the queue of the relay, which every commit with events kicks
SEALS = "audit-seals"  # that of the sealer, which every commit with something critical tells
LONGEST_ROLE_NAME = 64

type Grants = frozenset[str]


def grants(uses: Iterable[str], *, consumes: bool = False) -> Grants:
    """Return the set of words that decides a function's role."""
    return frozenset((*uses, CONSUMES) if consumes else uses)


class Access(Stack):
    """The roles of a stage."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, topology: Topology, data: Data) -> None:
        """Make the roles that the functions of this topology need.

        Raises:
            UnknownUse: a function uses a word that infra/uses.py does not know.
        """
        super().__init__(scope, name, description="StormCom: one role for each distinct set of grants.")
        self._stage = stage
        self._data = data
        self._roles: dict[Grants, iam.Role] = {}
        functions: tuple[Endpoint | Schedule, ...] = (*topology.endpoints, *topology.schedules)
        for function in functions:
            self._ensure(grants(function.uses), needed_by=function.name)
        for consumer in topology.consumers:
            self._ensure(grants(consumer.uses, consumes=True), needed_by=consumer.name)
        # What an Api's one function needs, where a stage has one function an Api: its endpoints' words together.
        if stage.granularity == "domain":
            for words in _by_handler(topology).values():
                self._ensure(words, needed_by=", ".join(sorted(words)))
        self.gateway = self._caller(
            "Gateway",
            # Only who may pass this role can put it into an API, and nobody outside the account may.
            iam.ServicePrincipal("apigateway.amazonaws.com"),
            description="Calls the functions behind the HTTP APIs.",
        )
        self.scheduler = self._caller(
            "Scheduler",
            # As AWS asks: another account's schedule must not borrow the role.
            iam.ServicePrincipal(
                "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": self.account}}
            ),
            description="Calls the functions that tick.",
        )

    def role(self, words: Grants) -> iam.IRole:
        """Return the role of a set of grants."""
        return self._roles[words]

    def _ensure(self, words: Grants, *, needed_by: str) -> None:
        meant = meanings(words, function=needed_by)
        if words in self._roles:
            return
        spelled = "-".join(sorted(words)) or "database"
        name = self._stage.named(f"uses-{spelled}")
        if len(name) > LONGEST_ROLE_NAME:
            name = self._stage.named(f"uses-{hashlib.sha256(spelled.encode()).hexdigest()[:16]}")
        role = iam.Role(
            self,
            f"Uses-{spelled}",
            role_name=name,
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Functions that use {', '.join(sorted(words)) or 'the database alone'}.",
        )
        self._roles[words] = role
        self._allow_what_everybody_does(role)
        for allow in (allow for use in meant for allow in use.allows):
            self._allow(role, allow)
        self.export_value(role.role_arn)

    def _allow_what_everybody_does(self, role: iam.Role) -> None:
        role.add_to_policy(
            iam.PolicyStatement(actions=["rds-db:connect"], resources=[self._data.connect_arn(APPLICATION)])
        )
        for statement in read_secret(self._data.store_keys, self._data.key, region=self.region):
            role.add_to_policy(statement)
        logs = self.format_arn(service="logs", resource=f"log-group:{self._stage.logs}*")
        told = [self.format_arn(service="sqs", resource=self._stage.named(queue)) for queue in (OUTBOX, SEALS)]
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=told))
        role.add_to_policy(iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs]))
        # Neither traces nor the network interfaces of a function in a network can be named before they exist.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ec2:AssignPrivateIpAddresses",
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
                    "ec2:UnassignPrivateIpAddresses",
                    "xray:PutTelemetryRecords",
                    "xray:PutTraceSegments",
                ],
                resources=["*"],
            )
        )
        acknowledge_wildcard(
            role,
            "*",
            because="A function's network interfaces and traces have no name before they exist.",
            until="Names for them in IAM.",
        )
        acknowledge_wildcard(
            role,
            "arn:{partition}:logs:{region}:{account}:log-group:" + f"{self._stage.logs}*",
            because="Functions with the same grants share this role, and each writes to a log group of its own.",
            until="A role for each function.",
        )

    def _allow(self, role: iam.Role, allow: Allow) -> None:
        places = {
            "partition": self.partition,
            "region": self.region,
            "account": self.account,
            "audit_key": self._data.audit_key.key_arn,
            "issuers": self._data.issuers.secret_arn,
        }

        def placed(resource: str) -> str:
            return resource.format(stage=self._stage.prefix, **places)

        role.add_to_policy(
            iam.PolicyStatement(
                actions=list(allow.actions),
                resources=[placed(resource) for resource in allow.resources] or None,
                not_resources=[placed(resource) for resource in allow.other_than] or None,
            )
        )
        for resource in allow.resources:
            if resource.endswith("*"):
                named = resource.replace("{stage}", self._stage.prefix)
                acknowledge_wildcard(role, named, because=allow.because, until=allow.until)

    def _caller(self, name: str, service: iam.IPrincipal, *, description: str) -> iam.Role:
        role = iam.Role(
            self,
            name,
            role_name=self._stage.named(f"calls-{name.lower()}"),
            description=description,
            assumed_by=service,
        )
        every_function = self.format_arn(service="lambda", resource=f"function:{self._stage.named('*')}")
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[every_function]))
        acknowledge_wildcard(
            role,
            "arn:{partition}:lambda:{region}:{account}:function:" + self._stage.named("*"),
            because="One role calls the functions of this stage, which are known by the beginning of their names.",
            until="A permission on each function, and with it fewer functions in a stack.",
        )
        self.export_value(role.role_arn)
        return role


def read_secret(secret: secrets.ISecret, key: kms.IKey, *, region: str) -> Iterator[iam.PolicyStatement]:
    """Return what a role needs to read a secret; the key opens for Secrets Manager alone.

    Not `secret.grant_read`, which also writes the role into the key's policy, and ties the key's stack to the role's.
    """
    yield iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn])
    via = {"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}}
    yield iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.key_arn], conditions=via)


def _by_handler(topology: Topology) -> dict[str, Grants]:
    together: dict[str, Grants] = {}
    for endpoint in topology.endpoints:
        together[endpoint.handler] = together.get(endpoint.handler, frozenset()) | grants(endpoint.uses)
    return together
