"""The local system on a PostgreSQL that somebody else runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import migrations
from infra.local import postgres
from infra.local.databases import Foreign, Unreachable
from infra.local.postgres import Cluster
from infra.local.state import State
from shared.core import driver


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Run a server that belongs to nobody here: no role, no database of ours."""
    with Cluster(tmp_path / "elsewhere", durable=False) as running:
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open an empty state folder."""
    opened = State(tmp_path / "state")
    opened.open()
    yield opened
    opened.close()


def test_a_superusers_url_is_enough_and_the_application_gets_no_more_than_its_role(
    cluster: Cluster, state: State
) -> None:
    database = Foreign(cluster.url(postgres.SUPERUSER, "shops"), state)

    first = database.start()
    again = database.start()

    assert first == again
    with driver.connect_to(first) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "select current_database(), rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        facts = list(cursor.fetchone())
    assert facts == ["shops", migrations.APP_ROLE, False, False]


def test_the_owners_url_migrates_a_database_that_is_there(cluster: Cluster, state: State) -> None:
    cluster.prepare("shops")

    url = Foreign(cluster.url(postgres.OWNER, "shops"), state).start()

    with driver.connect_to(url) as connection:
        cursor = connection.cursor()
        cursor.execute("select count(*) from stores")
        assert list(cursor.fetchone()) == [0]


def test_stopping_leaves_it_running(cluster: Cluster, state: State) -> None:
    database = Foreign(cluster.url(postgres.SUPERUSER, "shops"), state)
    url = database.start()

    database.stop()

    driver.connect_to(url).close()


def test_a_wrong_password_is_told_without_the_password(cluster: Cluster, state: State) -> None:
    database = Foreign(f"postgresql://postgres:hush-hush@127.0.0.1:{cluster.port}/shops", state)

    with pytest.raises(Unreachable, match=r"/shops.*password authentication failed") as refused:
        database.start()

    assert "hush" not in str(refused.value)


def test_a_server_that_is_not_there_is_told_without_the_password(state: State) -> None:
    database = Foreign("postgresql://postgres:hush-hush@127.0.0.1:1/shops", state)

    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1/shops.*no PostgreSQL at 127\.0\.0\.1:1") as refused:
        database.start()

    assert "hush" not in str(refused.value)
