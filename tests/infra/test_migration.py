"""The migration as a deployment runs it: Secrets Manager is moto's, PostgreSQL is real and empty."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
import pytest
from moto import mock_aws
from sqlalchemy import Engine

import migrations
from migrations import handler as migration
from migrations import operators
from shared.core import credentials, driver
from shared.core import database as core_database
from shared.core.settings import use_settings
from tests.database import Database, FreshDatabases

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

GENERATED = "8jG~what Secrets Manager made up"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> "Iterator[SecretsManagerClient]":
    """Return Secrets Manager as the data stack leaves it, but for the application's password."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        for name, secret in (("APPLICATION_SECRET", "database-app"), ("OPERATOR_SECRET", "operator-token")):
            client.create_secret(Name=secret, SecretString=GENERATED)
            monkeypatch.setenv(name, secret)
        yield client


@pytest.fixture
def empty(
    database: Database,  # noqa: ARG001 -- once it is there, nobody else changes the application's role on this server
    fresh_database: FreshDatabases,
    secrets: "SecretsManagerClient",
) -> Iterator[Database]:
    """Return a database with nothing in it, which this process now enters as the schema's owner."""
    made = fresh_database.empty()
    password = urlsplit(made.app_url).password  # the role is the whole server's, and others use it meanwhile
    secrets.put_secret_value(SecretId="database-app", SecretString=json.dumps({"password": password}))
    with use_settings(database_url=made.owner_url, pool_size=4):
        yield made
        core_database.dispose()


def test_a_first_deployment_makes_the_schema_and_lets_the_application_and_an_operator_in(
    empty: Database, secrets: "SecretsManagerClient"
) -> None:
    migration.handler({}, None, secrets)

    token = _held(secrets)
    assert credentials.is_well_formed("op", token)
    known = "select current_user::text, scopes from lookup.platform_token(%s, now())"
    assert _ask(empty.app_url, known, credentials.digest(token)) == [["stormcom_app", ["admin.superuser"]]]


def test_a_later_deployment_leaves_the_token_as_it_is(empty: Database, secrets: "SecretsManagerClient") -> None:
    migration.handler({}, None, secrets)
    first = _held(secrets)

    migration.handler({}, None, secrets)

    assert _held(secrets) == first
    assert _ask(empty.superuser_url, "select digest from platform_tokens") == [[credentials.digest(first)]]


def test_a_token_that_an_operator_put_there_is_let_in_and_a_revoked_one_stays_revoked(
    empty: Database, secrets: "SecretsManagerClient"
) -> None:
    migration.handler({}, None, secrets)
    _ask(empty.superuser_url, "update platform_tokens set revoked_at = now() returning 1")
    revoked = _held(secrets)
    migration.handler({}, None, secrets)
    chosen = credentials.generate(credentials.PLATFORM)
    secrets.put_secret_value(SecretId="operator-token", SecretString=chosen)

    migration.handler({}, None, secrets)

    assert _ask(empty.superuser_url, "select digest, revoked_at is null from platform_tokens order by id") == [
        [credentials.digest(revoked), False],
        [credentials.digest(chosen), True],
    ]


def test_a_deployment_that_died_between_secret_and_database_is_made_good_by_the_next(
    empty: Database, secrets: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as dying:
        dying.setattr(operators, "let_operator_in", _die)
        with pytest.raises(SystemExit):
            migration.handler({}, None, secrets)
    left = _held(secrets)

    migration.handler({}, None, secrets)

    assert credentials.is_well_formed("op", left)
    assert _held(secrets) == left
    assert _ask(empty.superuser_url, "select digest from platform_tokens") == [[credentials.digest(left)]]


def test_two_deployments_at_once_make_one_token(
    empty: Database, secrets: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_migrated = Barrier(2, timeout=60)
    upgrade = migrations.upgrade_on

    def upgrade_and_wait(engine: Engine, *, app_password: str) -> None:
        upgrade(engine, app_password=app_password)
        both_have_migrated.wait()

    both_would_put = Barrier(2, timeout=0.5)  # seconds that the one waits for the other, who must not come

    def wait_for_the_other(**_call: object) -> None:
        with suppress(BrokenBarrierError):
            both_would_put.wait()

    monkeypatch.setattr(migrations, "upgrade_on", upgrade_and_wait)
    secrets.meta.events.register("before-call.secretsmanager.PutSecretValue", wait_for_the_other)
    with ThreadPoolExecutor(2) as deployments:
        done = [deployments.submit(migration.handler, {}, None, secrets) for _ in range(2)]
        assert [one.result() for one in done] == [None, None]

    assert _ask(empty.superuser_url, "select digest from platform_tokens") == [[credentials.digest(_held(secrets))]]
    versions = secrets.list_secret_version_ids(SecretId="operator-token", IncludeDeprecated=True)["Versions"]
    assert len(versions) == 2  # what was generated with the secret, and one token


def _held(secrets: "SecretsManagerClient") -> str:
    return secrets.get_secret_value(SecretId="operator-token")["SecretString"]


def _ask(url: str, statement: str, *args: object) -> list[list[object]]:
    with driver.connect_to(url) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement, args)
        return [list(row) for row in cursor.fetchall()]


def _die(*_arguments: object) -> None:
    raise SystemExit
