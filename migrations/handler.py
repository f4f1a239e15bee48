"""Runs the migrations inside a deployment, as the schema's owner, before new code takes traffic.

Called once a deployment by a CloudFormation trigger; what it raises rolls the deployment back. The owner comes with an
IAM token, the application's role gets the password that RDS Proxy knows from the secret named by `APPLICATION_SECRET`.

The first operator's token goes into the secret named by `OPERATOR_SECRET`, where people find it, and its digest into
the database. In this order: a deployment that dies in between leaves a token that the next one lets in, and never one
that is let in and known to nobody.
"""

import json
import os
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

import migrations
from migrations import operators
from shared.core import credentials, database

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_LOCK = 7_265_112  # any number of our own: two deployments must not make two tokens


def handler(_event: dict[str, Any], _context: Any, secrets: "SecretsManagerClient | None" = None) -> None:  # noqa: ANN401 -- AWS's own shapes
    """Migrate to the newest schema, let the application and an operator in; doing it again changes nothing."""
    if secrets is None:
        import boto3  # noqa: PLC0415 -- the test hands in a client of its own

        secrets = boto3.client("secretsmanager")
    told = json.loads(secrets.get_secret_value(SecretId=os.environ["APPLICATION_SECRET"])["SecretString"])
    migrations.upgrade_on(database.engine(), app_password=told["password"])
    _let_operator_in(secrets, os.environ["OPERATOR_SECRET"])


def _let_operator_in(secrets: "SecretsManagerClient", secret: str) -> None:
    with database.engine().begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        token = secrets.get_secret_value(SecretId=secret)["SecretString"]
        if not credentials.is_well_formed(credentials.PLATFORM, token):
            # What Secrets Manager generated when the secret came into being.
            token = credentials.generate(credentials.PLATFORM)
            secrets.put_secret_value(SecretId=secret, SecretString=token)
        operators.let_operator_in(connection, token)
