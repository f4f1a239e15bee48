"""The database, the way to it, and the secrets: Aurora PostgreSQL Serverless v2 behind RDS Proxy.

Functions log in to the proxy by IAM as `stormcom_app`, over TLS; the proxy logs in to the cluster with the password
that Secrets Manager holds and rotates. No function ever has a password. End-to-end IAM (no password at all) would
need the owner to log in once by other means before IAM can be granted, so the usual two steps were chosen. The
migration goes the same way, as `stormcom_owner`, the cluster's first user, whose password RDS itself keeps.

What only a real account proves: that the proxy takes `begin; set local ...` without pinning the connection (watch
`DatabaseConnectionsCurrentlySessionPinned` on the dashboard), failover times, the cost of an IAM login, and the
rotation: that AWS's hosted function logs in as `stormcom_app` over TLS and changes its password, and that the proxy
takes the new one up without dropping anybody.
"""

from aws_cdk import ArnFormat, Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.stacks import retention
from infra.stacks.acknowledgements import acknowledge
from infra.stacks.network import POSTGRES, Network
from infra.stages import Stage

DATABASE = "stormcom"
OWNER = "stormcom_owner"
APPLICATION = "stormcom_app"

_BACKUP_POLICY = "service-role/AWSBackupServiceRolePolicyForBackup"
_ENGINE = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_18_6)
_PARAMETERS = {
    "rds.force_ssl": "1",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "30000",  # ms; no transaction of ours waits for anything outside
    "log_min_duration_statement": "500",  # ms; a statement this slow is news
    "log_lock_waits": "1",
    "log_temp_files": "65536",  # KiB; sorts and hashes that spill
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "1",
}


class Data(Stack):
    """The key, the cluster, the proxy, and the secrets of a stage."""

    def __init__(self, scope: Construct, name: str, *, stage: Stage, network: Network) -> None:
        """Set up the database inside the network."""
        super().__init__(scope, name, description="StormCom: the database, the way to it, and the secrets.")
        removal = RemovalPolicy.SNAPSHOT if stage.keep_data else RemovalPolicy.DESTROY
        kept = RemovalPolicy.RETAIN if stage.keep_data else RemovalPolicy.DESTROY
        self.key = kms.Key(
            self,
            "Key",
            alias=f"alias/{stage.named('data')}",
            description="Everything of this stage that is encrypted at rest.",
            enable_key_rotation=True,
            removal_policy=kept,
        )
        # Outside of the database on purpose: who owns that, and all of its rows, still cannot make a block that holds.
        # Such keys do not rotate by themselves; a second one is named after the first in STORMCOM_AUDIT_KEY.
        self.audit_key = kms.Key(
            self,
            "AuditKey",
            alias=f"alias/{stage.named('audit')}",
            description="Seals the audit trail of every tenant (HMAC); it never leaves KMS.",
            key_spec=kms.KeySpec.HMAC_256,
            key_usage=kms.KeyUsage.GENERATE_VERIFY_MAC,
            removal_policy=kept,
        )
        self.cluster = self._cluster(stage, network, removal)
        self.application_secret = self._application_secret(stage, network)
        self.proxy = self._proxy(stage, network)
        self.store_keys = secrets.Secret(
            self,
            "StoreKeys",
            secret_name=stage.named("store-keys"),
            description="The master keys that every store's own key is derived from; made by the release stack.",
            encryption_key=self.key,
            removal_policy=kept,
        )
        acknowledge(
            self.store_keys,
            "AwsSolutions-SMG4",
            because="Losing or replacing a master key loses what it encrypts; a new one is added beside the old.",
            until="A job that encrypts every column again under a new key.",
        )
        self.operator_token = secrets.Secret(
            self,
            "OperatorToken",
            secret_name=stage.named("operator-token"),
            description="The first operator's token of the platform's API; made and let in by the migration.",
            encryption_key=self.key,
            removal_policy=kept,
        )
        acknowledge(
            self.operator_token,
            "AwsSolutions-SMG4",
            because="People hold this token; a new one is put here by hand, let in by the next deployment, and the old "
            "one is then revoked in the database.",
            until="Operators who sign in as persons.",
        )
        self.issuers = secrets.Secret(
            self,
            "Issuers",
            secret_name=stage.named("issuers"),
            description="The OpenID Connect issuers whose accounts let members of staff in; people put them here.",
            secret_string_value=SecretValue.unsafe_plain_text("[]"),  # none yet; what is put here later stays
            encryption_key=self.key,
            removal_policy=kept,
        )
        acknowledge(
            self.issuers,
            "AwsSolutions-SMG4",
            because="Our secret at an issuer is made there, by a person, and put here.",
            until="Issuers that take a signed assertion of the client instead of a secret.",
        )
        if stage.database.yearly_backups:
            self._yearly_backups(stage)
        for value in (
            self.proxy.endpoint,
            self.store_keys.secret_arn,
            self.operator_token.secret_arn,
            self.issuers.secret_arn,
            self.key.key_arn,
            self.audit_key.key_arn,
        ):
            self.export_value(value)  # see network.py: an export must not come and go with its readers

    def connect_arn(self, user: str) -> str:
        """Return the resource that a role needs `rds-db:connect` on, to log in to the proxy as a user."""
        parts = self.split_arn(self.proxy.db_proxy_arn, ArnFormat.COLON_RESOURCE_NAME)
        return self.format_arn(
            service="rds-db",
            resource="dbuser",
            resource_name=f"{parts.resource_name}/{user}",  # the id that IAM knows the proxy by ends its ARN
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def url(self, user: str) -> str:
        """Return the database's URL for a user; the password is an IAM token, made at each connection."""
        return f"postgresql://{user}@{self.proxy.endpoint}:{POSTGRES}/{DATABASE}"

    def _settled(self, party: ec2.SecurityGroup) -> ec2.ISecurityGroup:
        # Who may speak to whom is the network's business; CDK's own rules would name this stack's port over there.
        return ec2.SecurityGroup.from_security_group_id(
            self, f"In-{party.node.id}", party.security_group_id, mutable=False
        )

    def _cluster(self, stage: Stage, network: Network, removal: RemovalPolicy) -> rds.DatabaseCluster:
        size = stage.database
        log = logs.LogGroup(
            self,
            "DatabaseLog",
            log_group_name=f"/aws/rds/cluster/{stage.named('database')}/postgresql",
            retention=retention.of(stage.log_days),
            removal_policy=RemovalPolicy.DESTROY,
        )
        cluster = rds.DatabaseCluster(
            self,
            "Database",
            cluster_identifier=stage.named("database"),
            engine=_ENGINE,
            default_database_name=DATABASE,
            credentials=rds.Credentials.from_username(OWNER, encryption_key=self.key),
            manage_master_user_password=True,
            parameter_group=rds.ParameterGroup(
                self, "Parameters", engine=_ENGINE, description="StormCom", parameters=_PARAMETERS
            ),
            writer=rds.ClusterInstance.serverless_v2("Writer", enable_performance_insights=True),
            readers=[
                # In step with the writer's size, so that a failover does not land on a cold, small machine.
                rds.ClusterInstance.serverless_v2(
                    f"Reader{number}", scale_with_writer=True, enable_performance_insights=True
                )
                for number in range(1, size.readers + 1)
            ],
            serverless_v2_min_capacity=size.min_capacity,
            serverless_v2_max_capacity=size.max_capacity,
            vpc=network.vpc,
            vpc_subnets=network.for_data,
            security_groups=[self._settled(network.database)],
            storage_encrypted=True,
            storage_encryption_key=self.key,
            iam_authentication=True,
            backup=rds.BackupProps(retention=Duration.days(size.backup_days), preferred_window="18:00-18:30"),
            preferred_maintenance_window="Sun:19:00-Sun:19:30",  # night in Bangladesh
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=["postgresql"],
            deletion_protection=stage.keep_data,
            removal_policy=removal,
        )
        cluster.node.add_dependency(log)  # else RDS makes the group itself, and keeps its lines for ever
        acknowledge(
            cluster,
            "AwsSolutions-RDS11",
            because="RDS Proxy listens on PostgreSQL's port whatever the cluster's is; only the proxy reaches it.",
            until="A proxy with a port of its own.",
        )
        acknowledge(
            cluster,
            "CloudFormation-Validate::E9006",
            because="The list that CDK checks against ends with 18.4, though CDK names 18.6 and cfn-lint takes it.",
            until="A newer aws-cdk-lib.",
        )
        if not stage.keep_data:
            acknowledge(
                cluster,
                "AwsSolutions-RDS10",
                because="A stage that is a developer's own is meant to be deleted, with its data.",
                until="keep_data in infra/stages.py.",
            )
        return cluster

    def _application_secret(self, stage: Stage, network: Network) -> secrets.ISecret:
        secret = rds.DatabaseSecret(
            self,
            "ApplicationSecret",
            username=APPLICATION,
            secret_name=stage.named("database-app"),
            encryption_key=self.key,
        )
        attached = secret.attach(self.cluster)
        attached.add_rotation_schedule(
            "Rotation",
            automatically_after=Duration.days(30),
            # Not at once: the user comes into being with the first migration, which follows this stack.
            rotate_immediately_on_update=False,
            hosted_rotation=secrets.HostedRotation.postgre_sql_single_user(
                function_name=stage.named("rotate-database-app"),
                vpc=network.vpc,
                vpc_subnets=network.for_functions,
                security_groups=[self._settled(network.rotation)],
            ),
        )
        return secret

    def _proxy(self, stage: Stage, network: Network) -> rds.DatabaseProxy:
        if self.cluster.secret is None:
            message = "RDS gave the cluster no secret for its first user."
            raise ValueError(message)
        return rds.DatabaseProxy(
            self,
            "Proxy",
            db_proxy_name=stage.named("proxy"),
            proxy_target=rds.ProxyTarget.from_cluster(self.cluster),
            secrets=[self.application_secret, self.cluster.secret],
            iam_auth=True,
            require_tls=True,
            vpc=network.vpc,
            vpc_subnets=network.for_data,
            security_groups=[self._settled(network.proxy)],
            max_connections_percent=90,  # the rest is for people with psql on a bad day
            max_idle_connections_percent=45,
            borrow_timeout=Duration.seconds(5),  # better a 503 that says so than a function that waits for its end
            idle_client_timeout=Duration.minutes(30),
        )

    def _yearly_backups(self, stage: Stage) -> None:
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=stage.named("backups"),
            encryption_key=self.key,
            block_recovery_point_deletion=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        plan = backup.BackupPlan(self, "Monthly", backup_plan_name=stage.named("monthly"), backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                rule_name="monthly-for-a-year",
                schedule_expression=events.Schedule.cron(day="1", hour="20", minute="0"),
                delete_after=Duration.days(365),
            )
        )
        role = iam.Role(
            self,
            "BackupRole",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_BACKUP_POLICY)],
        )
        acknowledge(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_BACKUP_POLICY}]",
            because="AWS Backup documents this policy as the one that it needs, and widens it as it learns.",
            until="A written list of the calls that a backup of Aurora makes.",
        )
        plan.add_selection(
            "Database",
            resources=[backup.BackupResource.from_rds_database_cluster(self.cluster)],
            role=role,
            disable_default_backup_policy=True,
        )
