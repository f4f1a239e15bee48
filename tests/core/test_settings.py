"""What the environment says, and how it is told that it is wrong."""

import os
from pathlib import Path

import pytest

from shared.core import settings as environment
from shared.core.settings import SettingsError, from_environment, settings, use_settings


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_settings", None)
    for name in [name for name in os.environ if name.startswith("STORMCOM_")]:
        monkeypatch.delenv(name)


def test_an_empty_environment_has_safe_defaults() -> None:
    config = from_environment({})

    assert (config.stage, config.function, config.strict) == ("local", None, False)
    assert (config.database_auth, config.database_tls, config.database_driver) == ("password", False, "one_trip")
    assert (config.pool_size, config.lock_timeout_ms, config.kick) == (1, 2000, True)
    assert (config.channel, config.local_dir, config.subscriptions) == ("aws", Path(".stormcom"), {})


@pytest.mark.parametrize("name", ["database_url", "queue_prefix", "keys", "objects", "public_url"])
def test_what_only_some_need_is_missed_by_who_asks_for_it(name: str) -> None:
    config = from_environment({})

    with pytest.raises(SettingsError, match=f"lacks STORMCOM_{name.upper()}"):
        getattr(config, name)


def test_objects_lie_where_it_is_said_and_on_a_laptop_under_its_folder() -> None:
    local = from_environment({"STORMCOM_CHANNEL": "local", "STORMCOM_LOCAL_DIR": "/state"})

    assert local.objects == "file:/state/objects"
    assert from_environment({"STORMCOM_OBJECTS": "s3:stormcom-prod-1-"}).objects == "s3:stormcom-prod-1-"
    with pytest.raises(SettingsError, match="STORMCOM_OBJECTS: must be file:PATH or s3:PREFIX"):
        from_environment({"STORMCOM_OBJECTS": "/state/objects"})


def test_variables_are_read_as_what_they_are() -> None:
    config = from_environment(
        {
            "STORMCOM_STAGE": "prod",
            "STORMCOM_FUNCTION": "orders-place-order",
            "STORMCOM_DATABASE_URL": "postgresql://app:secret@db:5432/stormcom",
            "STORMCOM_DATABASE_AUTH": "iam",
            "STORMCOM_DATABASE_TLS": "true",
            "STORMCOM_POOL_SIZE": "2",
            "STORMCOM_QUEUE_PREFIX": "https://sqs.example/1/stormcom-prod-",
            "STORMCOM_SUBSCRIPTIONS": '{"order.placed": ["webhooks", "analytics"]}',
            "STORMCOM_KICK": "false",
            "STORMCOM_KEYS": "secret:stormcom/keys",
            "STORMCOM_PUBLIC_URL": "https://api.example/",
            "STORMCOM_NOT_OURS": "left alone",
            "PATH": "/bin",
        }
    )

    assert (config.stage, config.function, config.pool_size) == ("prod", "orders-place-order", 2)
    assert (config.database_auth, config.database_tls, config.kick) == ("iam", True, False)
    assert config.subscriptions == {"order.placed": ("webhooks", "analytics")}
    assert config.queue_prefix == "https://sqs.example/1/stormcom-prod-"
    assert config.public_url == "https://api.example"


def test_an_empty_variable_counts_as_unset() -> None:
    config = from_environment({"STORMCOM_FUNCTION": "", "STORMCOM_POOL_SIZE": ""})

    assert (config.function, config.pool_size) == (None, 1)


def test_every_wrong_variable_is_named_and_no_value_is_shown() -> None:
    wrong = {
        "STORMCOM_DATABASE_URL": "mysql://app:hunter2@db/stormcom",
        "STORMCOM_DATABASE_AUTH": "kerberos-hunter2",
        "STORMCOM_POOL_SIZE": "many-hunter2",
        "STORMCOM_SUBSCRIPTIONS": '{"order.placed": hunter2',
        "STORMCOM_KEYS": "hunter2",
        "STORMCOM_PUBLIC_URL": "hunter2",
    }

    with pytest.raises(SettingsError) as refused:
        from_environment(wrong)

    told = str(refused.value)
    assert [name for name in wrong if name not in told] == []
    assert "STORMCOM_KEYS: must be file:PATH or secret:NAME" in told
    assert "hunter2" not in told
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None


def test_a_database_token_is_not_sent_in_clear() -> None:
    with pytest.raises(SettingsError, match="needs STORMCOM_DATABASE_TLS=true"):
        from_environment({"STORMCOM_DATABASE_AUTH": "iam"})


def test_secrets_do_not_show_in_what_is_printed() -> None:
    config = from_environment({"STORMCOM_DATABASE_URL": "postgresql://app:hunter2@db/stormcom"})

    assert "hunter2" not in repr(config)
    assert config.database_url == "postgresql://app:hunter2@db/stormcom"


def test_the_environment_is_read_once_until_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMCOM_STAGE", "one")
    first = settings()
    monkeypatch.setenv("STORMCOM_STAGE", "two")

    same = settings()
    environment.reload()
    second = settings()

    assert same is first
    assert (first.stage, second.stage) == ("one", "two")


def test_single_settings_are_replaced_for_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORMCOM_STAGE", "dev")
    monkeypatch.setenv("STORMCOM_PUBLIC_URL", "https://dev.example")

    with use_settings(database_url="postgresql://app@db/other", strict=True):
        inside = settings()

    assert (inside.stage, inside.public_url, inside.strict) == ("dev", "https://dev.example", True)
    assert inside.database_url == "postgresql://app@db/other"
    assert settings().strict is False


def test_a_replaced_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="STORMCOM_POOLSIZE"), use_settings(poolsize=3):
        pass

    assert settings().pool_size == 1


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings().strict = True  # type: ignore[misc]  # the fact is that it is refused

    assert settings().strict is False
