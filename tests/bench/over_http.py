"""What shoppers and merchants do, over HTTP: by clients, stores, processes and the network before PostgreSQL.

The gateway's processes, the callers (one process) and PostgreSQL share this machine. Each load stands beside its floor:
the empty endpoint through the same gateway, for as many callers, and the same SQL by as many clients of pgbench.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from tests.bench import floor, many_stores, workloads
from tests.bench.acts import ADD_LINE, ADJUST, CANCEL, EMPTY, KINDS, ORDER, PURCHASE
from tests.bench.floor import Told
from tests.bench.gateways import AS_DEPLOYED, Gateways, Load, gateways, together
from tests.bench.in_process import DELAY, slow_port
from tests.bench.purchase import Shop, Times
from tests.bench.table import Cell, show, tell
from tests.bench.world import World, stocked_store

PROCESSES = 2
NAMED = "named"
_ALONE, _CROWD = 1, 16  # clients
# Clients, and the gateway's processes. One client waits for each answer: a second process would have nothing to do.
_SIZES = ((_ALONE, 1), *((_CROWD, processes) for processes in range(1, PROCESSES + 1)))
_REPEATED = 2.6  # rounds that each client of pgbench repeats, for each second of a load; one client four times as many
_WHOLE = (PURCHASE, ADJUST)  # measured along every axis; the others on loopback, by as many processes as there are
_KINDS = (PURCHASE, ADD_LINE, ORDER, CANCEL, ADJUST)
_SHORT = 0.25  # of the seconds, for the empty endpoint
_PREPARING = {ADD_LINE: 0.7, CANCEL: 1.3}  # of the seconds of a load, spent on making what it uses up
_COLUMNS = (
    "ms",
    "stores",
    "clients",
    "processes",
    "per s",
    "p50",
    "p95",
    "CPU of gateway",
    "of PG",
    "of callers",
    "others",
    "statements",
    "trips",
    "floor per s",
    "ratio",
)
_PURCHASES, _PURCHASE_P95, _ADJUSTMENT_P95, _WITHIN = 140, 60, 10, 1.2  # the goals


@dataclass(frozen=True)
class At:
    """Where a load was measured."""

    stores: int
    delayed: bool
    clients: int
    processes: int
    driver: str = AS_DEPLOYED


@dataclass(frozen=True)
class Recording:
    """What rounds of a workload said to PostgreSQL. pgbench repeats each round once."""

    told: list[Told]
    rounds: int
    shares: Mapping[int, int]  # of the rounds, by how many clients

    def part(self, clients: int, *, delayed: bool) -> list[Told]:
        """Return the rounds that pgbench repeats there, and nowhere else."""
        places = [(where, count) for where in (False, True) for count in self.shares]
        begins = sum(self.shares[count] for _, count in places[: places.index((delayed, clients))])
        size = len(self.told) // self.rounds
        return self.told[begins * size : (begins + self.shares[clients]) * size]

    def spoken(self) -> tuple[float, float]:
        """Return the statements and the round trips of a round."""
        turns = [turn for told in self.told for turn in told.turns]
        return sum(turn.counted for turn in turns) / self.rounds, len(turns) / self.rounds


@dataclass(frozen=True)
class Scene:
    """Stores in a database, what was recorded of them, and the copy on which pgbench repeats it."""

    world: World
    recordings: Mapping[str, Recording]
    copy: World

    @property
    def stores(self) -> int:
        """How many there are."""
        return len(self.world.stores)

    @property
    def shops(self) -> list[Shop]:
        """Return what callers know of them."""
        return [workloads.shop_of(store) for store in self.world.stores]

    def rates(self, port: int, *, delayed: bool) -> dict[tuple[str, int], float]:
        """Let pgbench repeat what was recorded; return the rounds a second by what it is and how many clients do it."""
        url = self.copy.url_through(port)
        return {
            (name, clients): floor.rate(recording.part(clients, delayed=delayed), url, clients=clients, rounds=rounds)
            for name, recording in self.recordings.items()
            for clients, rounds in recording.shares.items()
            if any(_is_measured(name, At(self.stores, delayed, *size)) for size in _SIZES if size[0] == clients)
        }


@dataclass
class Matrix:
    """All that was measured: loads by what and where, the rates of their floors, and what was said to PostgreSQL."""

    seconds: float
    loads: dict[tuple[str, At], Load] = field(default_factory=dict)
    sql: dict[tuple[int, bool], dict[tuple[str, int], float]] = field(default_factory=dict)
    floors: dict[tuple[str, At], float] = field(default_factory=dict)
    spoken: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)

    def measure(self, scenes: Sequence[Scene], *, delayed: bool, driver: str = AS_DEPLOYED) -> None:
        """Measure every load in each scene, by turns and back again, so that what else goes on is the same."""
        for scene in scenes:
            self.spoken |= {(name, scene.stores): one.spoken() for name, one in scene.recordings.items()}
        with _network(scenes[0].world, delayed=delayed) as port, ExitStack() as stack:
            for scene in scenes:
                if (scene.stores, delayed) not in self.sql:
                    self.sql[scene.stores, delayed] = scene.rates(port, delayed=delayed)
            tell(f"{_where(delayed=delayed)}: floors")
            running = {scene.stores: stack.enter_context(_gateways(scene, port, driver)) for scene in scenes}
            for clients, processes in _SIZES:
                places = {At(stores, delayed, clients, processes, driver): one for stores, one in running.items()}
                for name in (EMPTY, *_KINDS):
                    self._measure(name, {at: one for at, one in places.items() if _is_measured(name, at)})
                tell(f"{_where(delayed=delayed)}: {_clients(clients)}, {processes} of the gateway's processes")

    def _measure(self, name: str, places: Mapping[At, Gateways]) -> None:
        parts: dict[At, list[Load]] = {at: [] for at in places}
        for turn in (list(places), list(places)[::-1]):
            for at in turn:
                parts[at].append(self._bear(name, at, places[at]))
        for at, loads in parts.items():
            self.loads[name, at] = together(loads)
            sql = self.sql[at.stores, at.delayed].get((name, at.clients))
            if sql is not None:
                calls = len(KINDS[name].calls) or 1
                self.floors[name, at] = 1 / (calls / self.loads[EMPTY, at].per_second + 1 / sql)

    def _bear(self, name: str, at: At, gateway: Gateways) -> Load:
        load = gateway.bear(
            name,
            clients=at.clients,
            processes=at.processes,
            seconds=self.seconds * (_SHORT if name == EMPTY else 1) / 2,
            preparing=self.seconds * _PREPARING.get(name, 0) / 2,
        )
        if load.refusals:
            message = f"{name} at {at}: {dict(load.refusals)}"
            raise RuntimeError(message)
        return load

    def rows(self, name: str, *, delayed: bool, driver: str) -> list[list[Cell]]:
        """Return the rows of a kind's table."""
        found = [
            (at, load)
            for (kind, at), load in self.loads.items()
            if kind == name and (at.delayed, at.driver) == (delayed, driver)
        ]
        rows: list[list[Cell]] = []
        for at, load in found:
            figures: list[Cell] = [load.per_second, load.p50, load.p95]
            cpus: list[Cell] = [load.gateway_cpu_ms, load.database_cpu_ms, load.callers_cpu_ms, f"{load.others:.0%}"]
            row: list[Cell] = [name, f"{at.stores:,}", at.clients, at.processes, *figures, *cpus]
            least = self.floors.get((name, at))
            beside = [None] * 4 if least is None else [*self.spoken[name, at.stores], least, least / load.per_second]
            rows.append([*row, *beside])
        return rows


def show_trade(world: World, seconds: float) -> None:
    """Measure in one store and in many, and print all of it, the goals beside it."""
    store = stocked_store()
    crowded = world.copied()
    crowded = replace(crowded, stores=many_stores.multiply(crowded.superuser_url(), store, number=world.many))
    tell(f"{_named(world.many)} are made")
    shares = recorded(seconds)
    scenes = [_recorded(replace(world, stores=(store,)), shares), _recorded(crowded, shares)]
    matrix = Matrix(seconds)
    for delayed, driver, title in _TABLES:
        matrix.measure(scenes, delayed=delayed, driver=driver)
        rows = [row for name in (EMPTY, *_KINDS) for row in matrix.rows(name, delayed=delayed, driver=driver)]
        show(title, _COLUMNS, rows, *(_NOTES if (delayed, driver) == _TABLES[0][:2] else ()))
    _show_goals(matrix, world.many)
    for copy in (crowded, *(scene.copy for scene in scenes)):
        copy.drop()


_TABLES = (
    (False, AS_DEPLOYED, "Over HTTP, PostgreSQL on loopback"),
    (False, NAMED, "The same with statements that PostgreSQL knows by name (STORMCOM_DATABASE_DRIVER=named)"),
    (True, AS_DEPLOYED, f"With a network before PostgreSQL that takes {DELAY * 1000:.0f} ms a round trip"),
)
_NOTES = (
    "CPU milliseconds are those of a whole act: a purchase is four calls. Statements are without BEGIN, SET, COMMIT;",
    "trips are network round trips to PostgreSQL, COMMIT's included. The relay is not kicked: no queue stands here.",
    "Others: the share of the machine that something else had meanwhile (with a slow network: the network, too).",
    "Floor: as many empty calls, then the same SQL by pgbench, for as many at once; ratio: floor by what was reached.",
)


def _show_goals(matrix: Matrix, many: int) -> None:
    def found(name: str, stores: int, clients: int, driver: str = AS_DEPLOYED) -> Load:
        processes = dict(_SIZES)[clients]
        return matrix.loads[name, At(stores, delayed=False, clients=clients, processes=processes, driver=driver)]

    rows: list[list[Cell]] = []
    for stores in (1, many):
        for driver, how in ((AS_DEPLOYED, ""), (NAMED, ", by name")):
            where = _named(stores) + how
            crowd, alone = (found(PURCHASE, stores, clients, driver) for clients in (_CROWD, _ALONE))
            adjusted = found(ADJUST, stores, _ALONE, driver)
            rows += [
                [f"purchases a second, {_CROWD} clients, {where}", crowd.per_second, f"at least {_PURCHASES}"],
                [f"p95 of a purchase, one client, {where}, ms", alone.p95, f"under {_PURCHASE_P95}"],
                [f"p95 of an adjustment, one client, {where}, ms", adjusted.p95, f"under {_ADJUSTMENT_P95}"],
            ]
    for driver, how in ((AS_DEPLOYED, ""), (NAMED, ", by name")):
        for name in _KINDS if driver == AS_DEPLOYED else _WHOLE:
            for clients in (_ALONE, _CROWD):
                few, lots = found(name, 1, clients, driver), found(name, many, clients, driver)
                slower = few.per_second / lots.per_second
                what = f"{name}, {_clients(clients)}{how}: {many:,} stores take, by one"
                told = f"{slower:.2f} x, p95 {lots.p95 / few.p95:.2f} x, CPU {lots.cpu_ms / few.cpu_ms:.2f} x"
                rows.append([what, told, f"within {_WITHIN} x"])
    show("Goals", ("on loopback", "reached", "goal"), rows)


def _is_measured(name: str, at: At) -> bool:
    if name in (EMPTY, *_WHOLE):
        return at.driver == AS_DEPLOYED or (at.clients, at.processes) in (_SIZES[0], _SIZES[-1])
    return not at.delayed and at.driver == AS_DEPLOYED and (at.clients, at.processes) in (_SIZES[0], _SIZES[-1])


def recorded(seconds: float) -> dict[int, int]:
    """Return how many rounds pgbench repeats beside a load of so many seconds, by how many clients."""
    each = max(1, round(seconds * _REPEATED))
    return {_ALONE: 4 * each, _CROWD: _CROWD * each}


def _recorded(world: World, shares: Mapping[int, int]) -> Scene:
    """Record rounds in this process, and keep a copy of the database as it was before."""
    loads = {name: workloads.acting(world.stores, name) for name in _KINDS}
    rounds = {name: sum(shares.values()) * (2 if name in _WHOLE else 1) for name in _KINDS}
    with world.connected_by(world.url):
        for name, load in loads.items():
            load.prepare(1 + rounds[name])
            load.round_of(Times())  # whatever is made at the first call
        copy = world.copied()
        recordings = {
            name: Recording(floor.record(world, load.round_of, rounds=rounds[name]), rounds[name], shares)
            for name, load in loads.items()
        }
    tell(f"{_named(len(world.stores))}: recorded")
    return Scene(world, recordings, copy)


def _gateways(scene: Scene, port: int, driver: str) -> AbstractContextManager[Gateways]:
    return gateways(
        scene.shops,
        url=scene.world.url_through(port),
        processes=PROCESSES,
        database_cpu=scene.world.database_cpu,
        driver=driver,
    )


@contextmanager
def _network(world: World, *, delayed: bool) -> Iterator[int]:
    if delayed:
        with slow_port(world) as port:
            yield port
    else:
        yield world.cluster.port


def _where(*, delayed: bool) -> str:
    return f"{DELAY * 1000:.0f} ms" if delayed else "loopback"


def _named(stores: int) -> str:
    return "one store" if stores == 1 else f"{stores:,} stores"


def _clients(count: int) -> str:
    return "one client" if count == 1 else f"{count} clients"
