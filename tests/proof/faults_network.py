"""A network between a function and PostgreSQL that delays, falls silent, and breaks off in the middle of an answer."""

import random
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

# What may befall what somebody says, and how often of a hundred times; otherwise it passes on at once.
FAULTS = {
    "delayed": 4.0,
    "cut before it arrived": 0.8,
    "cut in its middle": 0.8,
    "cut after it arrived": 0.8,
    "silence, and then cut": 0.6,
}
_LONGEST_DELAY = 0.02  # seconds
_SILENCE = 0.05  # seconds until the client's own kernel gives the line up; 25 with the driver's keepalive


class BadNetwork:
    """Stands on 127.0.0.1 before the server of `url`; `self.url` leads through it. Faults come by the seed."""

    def __init__(self, url: str, seed: int) -> None:
        """Listen; connections are made as clients come. It is a good network until `is_bad`."""
        target = urlsplit(url)
        self._target = (target.hostname, target.port)
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(target._replace(netloc=f"{target.username}:{target.password}@127.0.0.1:{port}"))
        self.is_bad = False
        self.befell: Counter[str] = Counter()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, trace: TracebackType | None) -> None:
        """Stop listening; a line ends with its client."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                for line in (client, server):
                    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_on, args=(server, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # either side hung up, or we did
            while data := source.recv(1 << 20):
                fault = self._next_fault()
                if fault == "delayed":
                    time.sleep(self._rng.uniform(0, _LONGEST_DELAY))
                if fault == "silence, and then cut":
                    time.sleep(_SILENCE)
                elif fault != "cut before it arrived":
                    sink.sendall(data[: len(data) // 2] if fault == "cut in its middle" else data)
                if fault is not None and "cut" in fault:
                    break
        _reset(source)
        _reset(sink)

    def _next_fault(self) -> str | None:
        if not self.is_bad:
            return None
        with self._lock:
            dice = self._rng.uniform(0, 100)
            for fault, times in FAULTS.items():
                dice -= times
                if dice < 0:
                    self.befell[fault] += 1
                    return fault
        return None


def _reset(line: socket.socket) -> None:
    """End a line without a goodbye: what was not read is thrown away."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()
