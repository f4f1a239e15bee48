"""The whole system on this machine, in one process and two children (PostgreSQL, emulated AWS): start it, stop it."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Callable

import uvicorn

from infra.local import aws, databases, environment, pages
from infra.local.gateway import ASGI, Gateway
from infra.local.messages import Outgoing, Sent, Watch
from infra.local.objects import LocalObjects, with_objects
from infra.local.one_write import OneWriteProtocol
from infra.local.pump import Pump
from infra.local.queues import Queues
from infra.local.runs import Runs
from infra.local.scheduler import Scheduler
from infra.local.state import DemoStore, State
from infra.local.terminal import Terminal
from shared.core import topology as declared
from shared.core.storage_files import FileObjects

HOST = "127.0.0.1"
_BACKLOG = 512  # connections that wait; fifty shoppers at once must not be refused


class PortTaken(Exception):
    """The port is not to be had; the message says what to do."""


class Web:
    """The HTTP server, in a thread of its own, on a socket that was opened before anything else was started."""

    def __init__(self, port: int, *, shared: bool = False) -> None:
        """Take the port (0: any free one); with `shared`, other processes may take it, too, and share the connections.

        Raises:
            PortTaken: another program has it.

        """
        # The protocol is named, since asyncio turns Nagle's algorithm off (40 ms an answer) for sockets that name it.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._socket.bind((HOST, port))
            self._socket.listen(_BACKLOG)  # from here on the port is ours, though answers come later
        except OSError as refused:
            self._socket.close()
            taken = refused.errno == errno.EADDRINUSE
            why = "is taken by another program" if taken else f"can't be used ({refused.strerror})"
            message = f"Port {port} {why}. Choose another one: PORT={port + 1 if taken else 8000} make dev"
            raise PortTaken(message) from None
        self.base_url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, application: ASGI) -> None:
        """Serve `application`; return at once."""
        config = uvicorn.Config(
            application,
            http=OneWriteProtocol,
            loop="asyncio",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=5,  # seconds for requests in work when the system is stopped
        )
        self._server = uvicorn.Server(config)
        serve = self._server.serve
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve(sockets=[self._socket])), name="web", daemon=True
        )
        self._thread.start()

    def drain(self) -> None:
        """Answer what is in work and take nothing new."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(10)

    def close(self) -> None:
        """Free the port."""
        self._socket.close()


class LocalSystem:
    """Everything that runs. `start` it once; `stop` ends what was started, in the reverse order, whatever came up."""

    def __init__(self, state: State, web: Web, terminal: Terminal, database: databases.Database) -> None:
        """Put the parts together; nothing starts yet."""
        self._state = state
        self._web = web
        self._terminal = terminal
        self._database = database
        self._runs = Runs(terminal.job)
        self._stops: list[Callable[[], None]] = [web.close]

    def start(self, seed: Callable[[], list[DemoStore]]) -> list[DemoStore]:
        """Start everything and return the demo stores, which `seed` makes if this database was never seeded."""
        services = aws.Services()
        services.launch()  # it comes up while PostgreSQL does
        self._stops.append(services.stop)
        self._stops.append(self._database.stop)
        database_url = self._database.start()
        topology = declared.load()
        endpoint = services.start()
        aws.point_clients_at(endpoint, os.environ)
        environment.set_up(
            os.environ,
            topology=topology,
            database_url=database_url,
            queue_prefix=services.queue_prefix,
            keys=self._state.master_keys(),
            sealing_keys=self._state.sealing_keys(),
            base_url=self._web.base_url,
            folder=self._state.folder,
        )
        self._state.keep_environment(os.environ)
        client = aws.sqs(endpoint)
        queues = aws.create_queues(client, topology.consumers)
        stores = self._stores(seed)
        self._run(topology, Queues(client, queues), Pump(client, queues, topology.consumers, self._runs), stores)
        return stores

    def stop(self) -> None:
        """End everything, whatever of it had started; a part that fails to end does not keep the others."""
        while self._stops:
            end = self._stops.pop()
            try:
                end()
            except Exception as broken:  # noqa: BLE001 -- the rest must still be ended
                self._terminal.failure("stopping", broken)

    def _run(self, topology: declared.Topology, queues: Queues, pump: Pump, stores: list[DemoStore]) -> None:
        outgoing = Outgoing(self._state.outgoing)
        scheduler = Scheduler(topology.schedules, self._runs)
        gateway = Gateway(topology.endpoints, served=self._terminal.request, failed=self._terminal.failure)
        watch = Watch(outgoing, self._tell)
        looked_into = pages.System(
            outgoing=outgoing,
            runs=self._runs,
            queues=queues,
            scheduler=scheduler,
            stores=stores,
            events=lambda: pages.recent_events(stores),
        )
        self._terminal.know_stores(
            {credential: store.slug for store in stores for credential in (store.publishable_key, store.secret_token)}
        )
        for part in (watch, pump, scheduler):
            part.start()
            self._stops.append(part.stop)
        objects = LocalObjects(FileObjects(self._state.objects, base_url=self._web.base_url))
        self._web.start(with_objects(objects, pages.with_pages(pages.Pages(looked_into), gateway)))
        self._stops += [gateway.close, self._web.drain]

    def _tell(self, sent: Sent) -> None:
        self._terminal.message(sent.channel, sent.to, sent.subject or sent.text)

    def _stores(self, seed: Callable[[], list[DemoStore]]) -> list[DemoStore]:
        known = self._state.stores(self._database.identity)
        if known is None:
            known = seed()
            self._state.keep_stores(self._database.identity, known)
        return known
