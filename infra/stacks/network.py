"""The private network that functions and database share, and who may speak to whom in it.

Functions have no way to the internet: they reach the database, and AWS's services through endpoints inside the
network. An endpoint costs about $7 a month and zone, a NAT gateway about $33 and $0.045 a gigabyte. With the two that
every function needs (SQS and Secrets Manager) endpoints are cheaper, and nothing that breaks into a function can call
home. Which further endpoints exist, and whether there is a NAT gateway after all, follows from the words that
functions use (infra/uses.py): the first function with `uses=("internet",)` brings it.

Two zones: without an account, CDK can't know of more. Only a real account proves that the chosen region has every
endpoint service.
"""

from collections.abc import Iterable

from aws_cdk import RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.stacks import retention
from infra.stages import Stage
from infra.uses import Use

POSTGRES = 5432
HTTPS = 443

_ENDPOINTS = {
    "email": ec2.InterfaceVpcEndpointAwsService.EMAIL,
    "secretsmanager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "kms": ec2.InterfaceVpcEndpointAwsService.KMS,
    "sns": ec2.InterfaceVpcEndpointAwsService.SNS,
    "sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
}
_ALWAYS = ("secretsmanager", "sqs")  # the keys, and the kick after a commit


class Network(Stack):
    """The VPC, its endpoints, and a security group for each party."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, uses: Iterable[Use]) -> None:
        """Lay out the network that functions with these uses need."""
        super().__init__(scope, name, description="StormCom: the private network.")
        uses = tuple(uses)
        internet = any(use.internet for use in uses)
        self.vpc = _vpc(self, stage, internet=internet)
        self.for_functions = ec2.SubnetSelection(subnet_group_name="functions")
        self.for_data = ec2.SubnetSelection(subnet_group_name="data")

        self.functions = self._party("Functions", "Every function")
        self.migrations = self._party("Migrations", "The migration, as the owner of the tables")
        self.rotation = self._party("Rotation", "The rotation of the password of the application")
        self.proxy = self._party("Proxy", "RDS Proxy")
        self.database = self._party("Database", "Aurora")
        self.endpoints = self._party("Endpoints", "AWS services inside the network")
        self._speaks(self.functions, self.proxy, POSTGRES)
        self._speaks(self.migrations, self.proxy, POSTGRES)
        self._speaks(self.proxy, self.database, POSTGRES)
        self._speaks(self.rotation, self.database, POSTGRES)
        for caller in (self.functions, self.migrations, self.rotation):
            self._speaks(caller, self.endpoints, HTTPS)
        if internet:
            self.functions.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS), "Services outside AWS")

        for service in sorted({*_ALWAYS, *(service for use in uses for service in use.services)}):
            self.vpc.add_interface_endpoint(
                f"To-{service}",
                service=_ENDPOINTS[service],
                subnets=self.for_functions,
                security_groups=[self.endpoints],
                open=False,
            )

    def _party(self, name: str, who: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(self, name, vpc=self.vpc, description=f"{who}.", allow_all_outbound=False)
        # Exported whether or not a stack reads it at this moment: an export that comes and goes with its readers can't
        # be withdrawn while the reader of before still stands.
        self.export_value(group.security_group_id)
        return group

    @staticmethod
    def _speaks(caller: ec2.SecurityGroup, callee: ec2.SecurityGroup, port: int) -> None:
        caller.connections.allow_to(callee, ec2.Port.tcp(port))


def _vpc(stack: Stack, stage: Stage, *, internet: bool) -> ec2.Vpc:
    inside = ec2.SubnetType.PRIVATE_WITH_EGRESS if internet else ec2.SubnetType.PRIVATE_ISOLATED
    subnets = [
        ec2.SubnetConfiguration(name="functions", subnet_type=inside, cidr_mask=20),
        ec2.SubnetConfiguration(name="data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
    ]
    if internet:  # last, so that the others keep their addresses when the way out comes
        subnets.append(ec2.SubnetConfiguration(name="out", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28))
    vpc = ec2.Vpc(
        stack,
        "Vpc",
        vpc_name=stage.named("network"),
        ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/16"),
        max_azs=2,
        nat_gateways=(2 if stage.keep_data else 1) if internet else 0,
        subnet_configuration=subnets,
    )
    log = logs.LogGroup(stack, "FlowLog", retention=retention.of(stage.log_days), removal_policy=RemovalPolicy.DESTROY)
    vpc.add_flow_log(
        "Flow",
        destination=ec2.FlowLogDestination.to_cloud_watch_logs(
            log, iam.Role(stack, "FlowLogRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        ),
        traffic_type=ec2.FlowLogTrafficType.REJECT,  # what was refused is news; the rest is in the functions' own logs
    )
    vpc.add_gateway_endpoint("To-s3", service=ec2.GatewayVpcEndpointAwsService.S3)  # costs nothing
    Tags.of(vpc).add("stormcom:stage", stage.name)
    for subnet in vpc.select_subnets(subnet_group_name="functions").subnets:
        stack.export_value(subnet.subnet_id)
    return vpc
