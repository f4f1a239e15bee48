"""What has to happen inside a deployment before new code takes traffic: the first keys, and the migrations.

Every stack with functions comes after this one. If a migration fails, CloudFormation rolls this stack back and never
reaches the others: the old code goes on, on the schema that it knows. If a later stack fails, the old code meets a
newer schema, which is why migrations only ever add.

The migration is the same asset as everything else. It must be done within Lambda's 15 minutes; what takes longer at a
hundred million rows is no migration but a backfill in batches, and says so in its docstring. It also lets the first
operator in: the output `OperatorToken` names the secret that holds the token for the platform's API.
"""

from pathlib import Path

from aws_cdk import CfnOutput, Duration, Stack, triggers
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.stacks.access import read_secret
from infra.stacks.acknowledgements import acknowledge_wildcard
from infra.stacks.data import OWNER, Data
from infra.stacks.functions import RUNTIME, Blueprint, Functions, Ground, acknowledge_runtime, log_group
from infra.stages import Stage

MIGRATION = "migrations.handler.handler"
LONGEST = 900  # seconds; Lambda's own limit
OPERATOR_TOKEN = "OperatorToken"  # noqa: S105 -- the output that says where the token is
_FIRST_KEYS = Path(__file__).with_name("first_keys.py")


class Release(Stack):
    """Makes the stage ready for the code of this deployment."""

    def __init__(self, scope: Construct, name: str, *, ground: Ground, data: Data) -> None:
        """Run the keys and the migration once for each change of code."""
        super().__init__(scope, name, description="StormCom: keys and migrations, before new code takes traffic.")
        keys = self._first_keys(ground.stage, data)
        migration = self._migration(ground, data)
        migrated = triggers.Trigger(
            self,
            "Migrate",
            handler=migration,
            timeout=Duration.seconds(LONGEST),
            invocation_type=triggers.InvocationType.REQUEST_RESPONSE,
        )
        migrated.execute_after(
            triggers.Trigger(
                self, "MakeFirstKeys", handler=keys, invocation_type=triggers.InvocationType.REQUEST_RESPONSE
            )
        )
        CfnOutput(
            self,
            OPERATOR_TOKEN,
            value=ground.stage.named("operator-token"),
            description="The secret with the first operator's token: aws secretsmanager get-secret-value --secret-id",
        )

    def _first_keys(self, stage: Stage, data: Data) -> lambda_.Function:
        role = _role(self, "FirstKeysRole", stage, function="first-keys", description="Makes the first master key.")
        self._fill_in(role, data.store_keys, data)
        function = lambda_.Function(
            self,
            "FirstKeys",
            function_name=stage.function_named("first-keys"),
            runtime=RUNTIME,
            handler="index.handler",
            code=lambda_.Code.from_inline(_FIRST_KEYS.read_text(encoding="utf-8")),
            timeout=Duration.seconds(30),
            role=role,
            environment={"SECRET": data.store_keys.secret_arn},
            log_group=log_group(self, stage, "first-keys"),
        )
        acknowledge_runtime(function)
        return function

    def _migration(self, ground: Ground, data: Data) -> lambda_.Function:
        role = _role(
            self, "MigrationRole", ground.stage, function="migrations", description="Migrates the schema, as its owner."
        )
        for statement in read_secret(data.application_secret, data.key, region=self.region):
            role.add_to_policy(statement)
        self._fill_in(role, data.operator_token, data)
        role.add_to_policy(iam.PolicyStatement(actions=["rds-db:connect"], resources=[data.connect_arn(OWNER)]))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSubnets",
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
        return Functions(self, ground).add(
            Blueprint(
                name="migrations",
                handler=MIGRATION,
                memory=1024,
                timeout=LONGEST,
                role=role,
                group=ground.network.migrations,
                environment={
                    "STORMCOM_STAGE": ground.stage.name,
                    "STORMCOM_DATABASE_URL": data.url(OWNER),
                    "STORMCOM_DATABASE_AUTH": "iam",
                    "STORMCOM_DATABASE_TLS": "true",
                    "STORMCOM_STATEMENT_TIMEOUT_MS": "0",  # an index takes its time; Lambda's 15 minutes are the limit
                    "APPLICATION_SECRET": data.application_secret.secret_arn,
                    "OPERATOR_SECRET": data.operator_token.secret_arn,
                },
            )
        )

    def _fill_in(self, role: iam.Role, secret: secrets.ISecret, data: Data) -> None:
        # Secrets Manager encrypts what is put, and so asks for a data key in the caller's name.
        for statement in read_secret(secret, data.key, region=self.region):
            role.add_to_policy(statement)
        role.add_to_policy(
            iam.PolicyStatement(actions=["secretsmanager:PutSecretValue"], resources=[secret.secret_arn])
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:GenerateDataKey"],
                resources=[data.key.key_arn],
                conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{self.region}.amazonaws.com"}},
            )
        )


def _role(stack: Stack, name: str, stage: Stage, *, function: str, description: str) -> iam.Role:
    role = iam.Role(stack, name, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description)
    group = stack.format_arn(service="logs", resource=f"log-group:{stage.logs}{function}:*")
    role.add_to_policy(iam.PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group]))
    acknowledge_wildcard(
        role,
        "arn:{partition}:logs:{region}:{account}:log-group:" + f"{stage.logs}{function}:*",
        because="A log stream is named by Lambda when it opens one.",
        until="Names for them beforehand.",
    )
    return role
