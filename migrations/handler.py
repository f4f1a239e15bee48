"""Runs the migrations inside a deployment, as the schema's owner, before new code takes traffic.

Called once a deployment by a CloudFormation trigger; what it raises rolls the deployment back. The owner comes with an
IAM token, the application's role gets the password that RDS Proxy knows from the secret named by `APPLICATION_SECRET`.
"""

import json
import os
from typing import TYPE_CHECKING, Any

import migrations
from shared.core import database

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def handler(_event: dict[str, Any], _context: Any, secrets: "SecretsManagerClient | None" = None) -> None:  # noqa: ANN401 -- AWS's own shapes
    """Migrate to the newest schema and let the application in; doing it again changes nothing."""
    if secrets is None:
        import boto3  # noqa: PLC0415 -- the test hands in a client of its own

        secrets = boto3.client("secretsmanager")
    told = json.loads(secrets.get_secret_value(SecretId=os.environ["APPLICATION_SECRET"])["SecretString"])
    migrations.upgrade_on(database.engine(), app_password=told["password"])
