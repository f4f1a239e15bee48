"""Kills: SIGKILL at every step of whatever moves money or stock, and then the same request or message again.

What came of it must be what comes of it undisturbed: one order, one adjustment, each event and audit entry once, the
same answer. Until something is committed, up to three processes die over one request, each when it was sent again; then
it is let live. Some processes with a database each take act after act, in store after store, until the goal or the time
is reached; between the acts that move money or stock, whatever else writes has its turns: what people and organizations
do, too.
"""

import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import postgres
from shared.core import topology
from tests.database import Database, Server
from tests.proof import kills_list
from tests.proof.report import Figures

GOAL = 10_000  # kills in all
SECONDS = 660.0  # of each process
PROCESSES = 3  # each waits for its child, its database or itself: two would leave two cores idle at times
PATIENCE = 100.0  # seconds for some acts in a test; they take ten, and a machine may be busy

# A fork copies what says where each page of memory lies. With all of Python's memory in huge pages there are few: a
# kill took 61 ms of CPU instead of 71.
CHEAP_TO_FORK = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


@dataclass(frozen=True)
class Told:
    """What one process, or several together, found."""

    kills: Mapping[str, int]  # by act
    counts: Mapping[str, int]  # lost, doubled, leaked, other, survived
    notes: Sequence[str]

    @property
    def killed(self) -> int:
        """How many kills there were."""
        return sum(self.kills.values())


def run(seed: int) -> Figures:
    """Kill until the goal or the time is reached."""
    everywhere = [act.name for act in kills_list.everywhere()]
    by_turns = [act.name for act in kills_list.by_turns()]
    apart = len(everywhere) // PROCESSES
    with tempfile.TemporaryDirectory(prefix="stormcom-kills-") as name, ExitStack() as ending:
        folder = Path(name)
        cluster = ending.enter_context(postgres.Cluster(folder / "postgres", durable=False))
        server = Server(cluster.url(postgres.SUPERUSER, "postgres"), run="kills", cluster=cluster)
        server.prepare()
        attacks = [
            attack(
                server.create_migrated(f"stormcom_test_kills_{number}"),
                folder / str(number),
                # Each begins somewhere else, so that what one has no time for the other has done.
                acts=[*everywhere[number * apart :], *everywhere[: number * apart]],
                by_turns=by_turns[number::PROCESSES],
                seed=seed + number,
                most=-(-GOAL // PROCESSES),
                seconds=SECONDS,
            )
            for number in range(PROCESSES)
        ]
        found = [wait_for(one) for one in attacks]
    kills = sum((Counter(one.kills) for one in found), Counter[str]())
    counts = sum((Counter(one.counts) for one in found), Counter[str]())
    facts = {"kills": kills.total(), **{name: counts[name] for name in ("lost", "doubled", "leaked")}}
    facts |= {"answers that differ": counts["other"], "acts on money and stock": len(kills.keys() & set(everywhere))}
    facts |= {"others by turns": len(kills.keys() & set(by_turns)), "survivors": counts["survived"]}
    ok = not counts.total() and set(kills) >= set(everywhere)
    return Figures("kills", facts, ok=ok, notes=[note for one in found for note in one.notes])


@dataclass(frozen=True)
class Attack:
    """A process that kills."""

    process: subprocess.Popen[str]
    into: Path


def kill_each_boundary_once(acts: Sequence[str], database: Database, folder: Path, *, seed: int, **plan: Any) -> Told:
    """Kill at each boundary of these acts once, in a process of its own over a database of its own."""
    whole = {"most": GOAL, "seconds": PATIENCE, "sampled": True} | plan
    return wait_for(attack(database, folder, acts=acts, seed=seed, **whole))


def attack(database: Database, folder: Path, *, acts: Sequence[str], seed: int, **plan: Any) -> Attack:
    """Start a process that kills: `most` times, for `seconds`, each boundary once if `sampled`."""
    folder.mkdir(exist_ok=True)
    into = folder / "found.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.proof.kills_worker"],
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, **CHEAP_TO_FORK, **environment_of(database, folder)},
    )
    told = {"acts": acts, "by_turns": [], "seed": seed, "sampled": False}
    told |= {"superuser_url": database.superuser_url, "into": str(into)}
    assert process.stdin is not None
    process.stdin.write(json.dumps(told | plan) + "\n")
    process.stdin.close()
    return Attack(process, into)


def wait_for(one: Attack) -> Told:
    """Return what a process found."""
    ended = one.process.wait()
    assert ended == 0, f"The process that kills ended with {ended}; it wrote why."
    return Told(**json.loads(one.into.read_text()))


def environment_of(database: Database, folder: Path) -> dict[str, str]:
    """Return the variables of a function over a database, with keys and local messages in a folder."""
    keys, sealing, issuers = (folder / name for name in ("keys.json", "audit-key.json", "issuers.json"))
    for path in (keys, sealing):
        if not path.exists():
            path.touch(mode=0o600)
            secret = base64.b64encode(secrets.token_bytes(32)).decode()
            path.write_text(json.dumps({"current": 1, "keys": {"1": secret}}))
    issuers.write_text("[]")  # whoever needs one writes it there
    return {
        "STORMCOM_DATABASE_URL": database.app_url,
        "STORMCOM_POOL_SIZE": "1",
        "STORMCOM_KEYS": f"file:{keys}",
        "STORMCOM_AUDIT_KEY": f"file:{sealing}",
        "STORMCOM_ISSUERS": f"file:{issuers}",
        "STORMCOM_KICK": "true",
        "STORMCOM_QUEUE_PREFIX": "http://127.0.0.1:9/000000000000/stormcom-test-",
        "STORMCOM_SUBSCRIPTIONS": json.dumps(topology.load().subscriptions),
        "STORMCOM_PUBLIC_URL": "https://shop.test",
        "STORMCOM_STOREFRONT_DOMAIN": "shops.test",
        "STORMCOM_CHANNEL": "local",
        "STORMCOM_EDGE_DISTRIBUTION": "local",
        "STORMCOM_LOCAL_DIR": str(folder),
        "STORMCOM_STRICT": "true",
        "POWERTOOLS_LOG_LEVEL": "WARNING",
    }
