"""A connection to the gateway by which one thing is asked at a time, as cheap as Python can be."""

import socket

_ENOUGH = 1 << 20  # bytes that one read takes at most
_LENGTH = b"content-length: "


class Line:
    """An open connection. Whoever holds it asks, waits until it can be read, and hears."""

    def __init__(self, port: int) -> None:
        """Connect."""
        self._connection = socket.create_connection(("127.0.0.1", port))
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parts: list[bytes] = []
        self._head = b""
        self._missing = 0

    def fileno(self) -> int:
        """Return what the system calls it."""
        return self._connection.fileno()

    def ask(self, request: bytes) -> None:
        """Send a request."""
        self._connection.sendall(request)

    def hear(self) -> tuple[int, bytes] | None:
        """Take what has come; return the status and the body when the answer is whole."""
        part = self._connection.recv(_ENOUGH)
        if not part:
            raise ConnectionError("The gateway hung up.")
        if not self._missing:  # what has come so far is not even a whole head
            self._head, found, part = (self._head + part).partition(b"\r\n\r\n")
            if not found:
                return None
            self._missing = _length(self._head)
        self._parts.append(part)
        self._missing -= len(part)
        if self._missing > 0:
            return None
        status, body = int(self._head[9:12]), b"".join(self._parts)
        self._head = b""
        self._parts.clear()
        return status, body


def _length(head: bytes) -> int:
    at = head.lower().find(_LENGTH)
    return int(head[at + len(_LENGTH) :].partition(b"\r\n")[0]) if at >= 0 else 0
