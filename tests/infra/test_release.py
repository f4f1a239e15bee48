"""Keys and migrations come before new code; the first key is made once and never again."""

import base64
import json
from dataclasses import dataclass, field

import pytest

from infra.stacks import first_keys, release
from tests.infra.assembly import Assembly, text
from tests.infra.topologies import a_topology, functions


def test_no_function_is_deployed_before_the_migration_ran(prod: Assembly) -> None:
    topology = a_topology()
    domains = {one.domain for one in functions(topology)}

    waits = {domain: "release" in prod.after(f"functions-{domain}") for domain in domains}

    assert waits == dict.fromkeys(domains, True)


def test_the_migration_runs_for_each_change_of_code_after_the_keys_and_fails_the_deployment(prod: Assembly) -> None:
    triggers = {
        name: resource
        for name, resource in prod.templates["release"]["Resources"].items()
        if resource["Type"] == "Custom::Trigger"
    }

    migrate = triggers["Migrate"]

    assert migrate["DependsOn"] == ["MakeFirstKeys"]
    assert migrate["Properties"]["InvocationType"] == "RequestResponse"  # waits, and fails where the migration fails
    assert migrate["Properties"]["ExecuteOnHandlerChange"] is True
    assert "migrationsCurrentVersion" in migrate["Properties"]["HandlerArn"]["Ref"]
    function = prod.functions()["migrations"]
    assert (function["Handler"], function["Timeout"]) == ("migrations.handler.handler", 900)


def test_the_migration_may_make_an_operators_token_and_the_deployment_says_where_it_is(prod: Assembly) -> None:
    function = prod.functions()["migrations"]
    secrets = {one["Name"]: logical for logical, one in prod.resources("AWS::SecretsManager::Secret", stack="data")}
    policies = {name: one["PolicyDocument"]["Statement"] for name, one in prod.resources("AWS::IAM::Policy")}
    [allowed] = [statements for name, statements in policies.items() if name.startswith("MigrationRole")]

    token = secrets["stormcom-prod-operator-token"]
    writes = [text(one["Resource"]) for one in allowed if one["Action"] == "secretsmanager:PutSecretValue"]

    assert token in text(function["Environment"]["Variables"]["OPERATOR_SECRET"])
    assert len(writes) == 1
    assert token in writes[0]
    told = prod.templates["release"]["Outputs"][release.OPERATOR_TOKEN]
    assert told["Value"] == "stormcom-prod-operator-token"


def test_the_first_key_has_32_bytes_and_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "store-keys")
    secret = _Secret("what Secrets Manager generated")

    told = first_keys.handler({}, None, secret)

    assert told == {"made": True}
    [made] = secret.written
    keys = json.loads(made)
    assert (keys["current"], list(keys["keys"])) == (1, ["1"])
    assert len(base64.b64decode(keys["keys"]["1"], validate=True)) == 32


def test_keys_that_are_there_are_never_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "store-keys")
    secret = _Secret(json.dumps({"current": 2, "keys": {"1": "a", "2": "b"}}))

    told = first_keys.handler({}, None, secret)

    assert told == {"made": False}
    assert secret.written == []


@dataclass
class _Secret:
    """Secrets Manager, as far as it is asked."""

    text: str
    written: list[str] = field(default_factory=list)

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 -- AWS's own spelling
        assert SecretId == "store-keys"
        return {"SecretString": self.text}

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> None:  # noqa: N803 -- AWS's own spelling
        assert SecretId == "store-keys"
        self.written.append(SecretString)
