"""A TCP proxy before PostgreSQL that counts how often the client spoke and waited, and can cut the line."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

_CLIENT, _SERVER = "client", "server"


class CountingProxy:
    """Stands on 127.0.0.1 before the server of `url`; `self.url` leads through it.

    A turn is what the client sends between two answers of the server, however many packets it takes: one turn is one
    network round trip. What a turn consists of is counted before it is passed on, hence before its answer.
    """

    def __init__(self, url: str) -> None:
        """Listen; connections are made as clients come."""
        target = urlsplit(url)
        self._target = (target.hostname, target.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{port}"))
        self.turns = 0
        self.sent = bytearray()  # everything that clients said
        self._last_speaker = _SERVER
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, trace: TracebackType | None) -> None:
        """Cut what is open and stop listening."""
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, as a network does that loses its way."""
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._lines.clear()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for line in (client, server):
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._lines += [client, server]
                threading.Thread(target=self._pass_on, args=(client, server, _CLIENT), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client, _SERVER), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, speaker: str) -> None:
        with suppress(OSError):  # either side hung up
            while data := source.recv(1 << 20):
                if speaker == _CLIENT:
                    self.sent += data
                    self.turns += self._last_speaker == _SERVER
                self._last_speaker = speaker
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
