"""`python -m infra.local`: runs the whole system on this machine until Ctrl-C.

`PORT` chooses the port (8000), `STORMCOM_STATE` the folder of all data (`.stormcom`), `STORMCOM_DATABASE_URL` another
PostgreSQL 18 than the embedded one.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

from infra.local import state as states
from infra.local.databases import Database, Embedded, Foreign, Unreachable
from infra.local.postgres import ClusterError
from infra.local.state import DemoStore, State
from infra.local.system import LocalSystem, PortTaken, Web
from infra.local.terminal import Terminal, divert_output

_DEFAULT_PORT = 8000
_HIGHEST_PORT = 65535


class _BadPort(Exception):
    """PORT is no port."""


def main() -> int:
    """Run until asked to stop; return the process's exit code."""
    state = State.from_environment()
    try:
        return _run(state)
    except (states.AlreadyRunning, states.NotAStateFolder, PortTaken, ClusterError, Unreachable, _BadPort) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    except KeyboardInterrupt:
        return 130  # what a shell expects of a program that Ctrl-C ended
    finally:
        state.close()


def _run(state: State) -> int:
    began = time.monotonic()
    asked_to_stop = _stop_signal()
    state.open()
    web = Web(_port())
    state.announce(web.base_url)
    terminal = divert_output(state.log)
    system = LocalSystem(state, web, terminal, _database(state))
    try:
        stores = system.start(_seed)
        state.ready(web.base_url, stores)
        _greet(terminal, web.base_url, stores, time.monotonic() - began)
        asked_to_stop()
        terminal.say("Stopping.")
    finally:
        system.stop()
    return 0


def _stop_signal() -> Callable[[], None]:
    """Turn Ctrl-C and SIGTERM into the end of a wait; before the wait, into an interrupt that ends the start."""
    asked = threading.Event()
    waiting = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if not waiting.is_set() and not asked.is_set():
            asked.set()
            raise KeyboardInterrupt
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)

    def wait() -> None:
        waiting.set()
        asked.wait()

    return wait


def _port() -> int:
    text = os.environ.get("PORT") or str(_DEFAULT_PORT)
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        message = f"PORT={text} is not a port: give a number from 1 to {_HIGHEST_PORT}."
        raise _BadPort(message)
    return int(text)


def _database(state: State) -> Database:
    url = os.environ.get("STORMCOM_DATABASE_URL")
    return Foreign(url, state) if url else Embedded(state)


def _seed() -> list[DemoStore]:
    from infra.local import demo  # noqa: PLC0415 -- only the first start needs it

    return demo.seed()


def _greet(terminal: Terminal, base_url: str, stores: list[DemoStore], took: float) -> None:
    terminal.say(f"\nStormCom runs at {base_url} (ready in {took:.1f} s)\n")
    terminal.say(f"  API documentation    {base_url}/api/v1/docs")
    terminal.say(f"  Messages, jobs, ...  {base_url}/dev")
    for store in stores:
        terminal.say(f"\n  Demo store {store.slug} ({store.id})")
        terminal.say(f"    publishable key    {store.publishable_key}")
        terminal.say(f"    secret token       {store.secret_token}")
        if store.owner_email:
            terminal.say(f"    owner signs in as  {store.owner_email}  {store.owner_password}")
    terminal.say("\nCtrl-C stops it. The data stay; `make reset` starts over.\n")


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a handler that hangs in its thread must not keep the process, as it does not keep a Lambda
