"""PostgreSQL on this machine: it keeps its data through every end, opens nothing to others, says what is wrong."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.postgres import OWNER, SUPERUSER, Cluster, ClusterError
from shared.core import driver

# Starts a cluster, says so, and waits for its own end.
RUNNER = """
import sys
from pathlib import Path
from infra.local.postgres import Cluster

Cluster(Path(sys.argv[1]), durable=False).start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a data folder that does not exist yet, in a folder that is closed to others."""
    tmp_path.chmod(0o700)
    return tmp_path / "postgres"


@pytest.fixture
def cluster(data: Path) -> Iterator[Cluster]:
    """Return a cluster that runs, with a note in it."""
    with Cluster(data, durable=False) as cluster:
        execute(cluster, "create table notes as select 'kept' as note")
        yield cluster


def execute(
    cluster: Cluster, statement: str, *args: object, role: str = SUPERUSER, database: str = SUPERUSER
) -> object:
    """Execute a statement in a transaction of its own, and return the first value that it answers."""
    with driver.connect_to(cluster.url(role, database)) as connection:
        cursor = connection.cursor()
        cursor.execute(statement, args)
        answer = cursor.fetchone()[0] if cursor.description else None
        connection.commit()
    return answer


def postmaster_of(data: Path) -> psutil.Process:
    """Return the process that serves a data folder."""
    return psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_restart_keeps_data_and_port(cluster: Cluster) -> None:
    port = cluster.port

    cluster.stop()
    cluster.start()

    assert execute(cluster, "select note from notes") == "kept"
    assert cluster.port == port


@pytest.mark.parametrize("durable", [True, False])
def test_committed_data_survive_the_kill_of_the_server(data: Path, *, durable: bool) -> None:
    with Cluster(data, durable=durable) as cluster:
        execute(cluster, "create table notes as select 'kept' as note")
        postmaster_of(data).send_signal(signal.SIGKILL)

    with Cluster(data, durable=durable) as cluster:
        assert execute(cluster, "select note from notes") == "kept"


def test_what_a_killed_process_left_running_is_replaced(data: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        orphan = postmaster_of(data)
        execute(Cluster(data), "create table notes as select 'kept' as note")
        runner.kill()

    with Cluster(data, durable=False) as cluster:
        assert execute(cluster, "select note from notes") == "kept"
        assert postmaster_of(data).pid != orphan.pid
        assert not orphan.is_running()


def test_what_a_killed_process_left_running_can_be_stopped_alone(data: Path) -> None:
    command = [sys.executable, "-c", RUNNER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        orphan = postmaster_of(data)
        runner.kill()

    Cluster(data).stop_orphan()

    assert not orphan.is_running()


def test_a_folder_that_a_living_process_uses_is_refused_and_left_alone(cluster: Cluster) -> None:
    server = postmaster_of(cluster.data)

    with pytest.raises(ClusterError, match=f"Process {os.getpid()} already runs PostgreSQL in {cluster.data}"):
        Cluster(cluster.data).start()
    with pytest.raises(ClusterError, match="already"):
        Cluster(cluster.data).stop_orphan()
    Cluster(cluster.data).stop()

    assert postmaster_of(cluster.data) == server
    assert execute(cluster, "select note from notes") == "kept"


def test_a_pid_file_that_names_another_program_is_no_hindrance(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.data / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.data}\n")

    cluster.start()

    assert execute(cluster, "select note from notes") == "kept"


def test_an_initialization_that_was_killed_is_begun_again(data: Path) -> None:
    unfinished = data.with_name("postgres.unfinished")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")

    with Cluster(data, durable=False) as cluster:
        assert execute(cluster, "select 1") == 1
    assert not unfinished.exists()


def test_nothing_is_opened_to_other_users(data: Path) -> None:
    with Cluster(data, durable=False) as cluster:
        listening = [
            connection.laddr for connection in postmaster_of(data).net_connections() if connection.status == "LISTEN"
        ]
        sockets = [path for path in data.rglob("*") if path.is_socket()]

        assert [mode_of(path) for path in (data.parent, data, data.with_name("postgres.json"), cluster.log)] == [
            0o700,
            0o700,
            0o600,
            0o600,
        ]
        assert [tuple(address) for address in listening] == [("127.0.0.1", cluster.port)]
        assert sockets == []
        assert postmaster_of(data).uids().real == os.getuid()


def test_nobody_enters_without_the_password(cluster: Cluster) -> None:
    url = cluster.url(SUPERUSER, "postgres").replace(cluster.password(SUPERUSER), "guess")

    with pytest.raises(driver.DatabaseError) as raised:
        driver.connect_to(url)

    assert driver.sqlstate(raised.value) == "28P01"
    assert "scram-sha-256" in (cluster.data / "pg_hba.conf").read_text()
    assert " trust" not in "".join(
        line for line in (cluster.data / "pg_hba.conf").read_text().splitlines() if not line.startswith("#")
    )


def test_the_owner_of_the_schema_may_make_roles_and_is_no_superuser(cluster: Cluster) -> None:
    cluster.prepare("shop")
    cluster.prepare("shop")  # a second start finds everything there

    assert execute(cluster, "select current_user::text", role=OWNER, database="shop") == OWNER
    assert execute(
        cluster, "select array[rolsuper, rolbypassrls, rolcreaterole] from pg_roles where rolname = %s", OWNER
    ) == [False, False, True]
    owner = "select pg_get_userbyid(datdba)::text from pg_database where datname = %s"
    assert execute(cluster, owner, "shop") == OWNER
    execute(cluster, "create extension pg_trgm", role=OWNER, database="shop")


def test_text_is_unicode_in_the_order_of_code_points(cluster: Cluster) -> None:
    cluster.prepare("shop")
    execute(cluster, "create extension pg_trgm", role=OWNER, database="shop")

    def answer(statement: str) -> object:
        return execute(cluster, statement, role=OWNER, database="shop")

    assert answer("show server_encoding") == "UTF8"
    assert answer("select datlocale from pg_database where datname = current_database()") == "C.UTF-8"
    assert answer("select array_agg(word order by word) from unnest(array['b', 'Z', 'é', 'a']) word") == [
        "Z",
        "a",
        "b",
        "é",
    ]
    assert answer("select lower('ÉCLAIR')") == "éclair"
    assert answer("select word_similarity('কফি', 'গরম কফি')") == 1
    assert answer("select to_tsvector('simple', 'গরম কফি')::text") == "'কফি':2 'গরম':1"


def test_a_folder_with_something_else_in_it_is_refused_and_left_alone(data: Path) -> None:
    data.mkdir()
    (data / "thesis.txt").write_text("important")

    with pytest.raises(ClusterError, match=f"{data} is not a data folder of PostgreSQL, and not empty"):
        Cluster(data).start()

    assert [path.name for path in data.iterdir()] == ["thesis.txt"]


def test_a_file_in_place_of_the_folder_is_refused(data: Path) -> None:
    data.write_text("important")

    with pytest.raises(ClusterError, match="is not a data folder"):
        Cluster(data).start()

    assert data.read_text() == "important"


def test_data_of_another_version_are_refused(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.data / "PG_VERSION").write_text("17\n")

    with pytest.raises(ClusterError, match=r"are of PostgreSQL 17; this is PostgreSQL 18"):
        cluster.start()


def test_lost_passwords_are_told(cluster: Cluster) -> None:
    cluster.stop()
    cluster.data.with_name("postgres.json").unlink()

    with pytest.raises(ClusterError, match=r"postgres\.json, which holds the passwords of .* is missing"):
        cluster.start()


def test_damaged_data_are_told_with_the_end_of_the_log(cluster: Cluster) -> None:
    cluster.stop()
    (cluster.data / "global" / "pg_control").write_bytes(b"")

    with pytest.raises(ClusterError, match=r"doesn't start in(?s:.)*postgres\.log(?s:.)*pg_control"):
        cluster.start()


def test_a_demanded_port_that_is_taken_is_told(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ClusterError, match=f"Port {port}, which PostgreSQL is to listen on, is taken"):
            Cluster(data, durable=False, port=port).start()


def test_another_port_is_chosen_when_the_kept_one_is_taken(cluster: Cluster) -> None:
    kept = cluster.port
    cluster.stop()

    with socket.create_server(("127.0.0.1", kept)):
        cluster.start()

    assert cluster.port != kept
    assert execute(cluster, "select note from notes") == "kept"
