"""A network before PostgreSQL: what the client says arrives a while later. A process of its own, run by the bench."""

import socket
import sys
import threading
import time
from contextlib import suppress

from tests.bench import children


def main() -> None:
    """Listen on a free port, tell it, and pass on until the input ends."""
    facts = children.told()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, facts["port"], facts["seconds"]), daemon=True).start()
    children.own_voice().write(f"{listener.getsockname()[1]}\n")
    sys.stdin.read()


def _accept(listener: socket.socket, port: int, seconds: float) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for line in (client, server):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A client waits for each answer, so it is all one whether the way there or the way back takes the time.
        threading.Thread(target=_pass_on, args=(client, server, seconds), daemon=True).start()
        threading.Thread(target=_pass_on, args=(server, client, 0.0), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, seconds: float) -> None:
    with suppress(OSError):  # either side hung up
        while data := source.recv(1 << 20):
            if seconds:
                time.sleep(seconds)
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
