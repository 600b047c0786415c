"""Which connections are open, and which of them are in the middle of a request."""

import socket
import threading
from contextlib import suppress


class Connections:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._busy: dict[socket.socket, bool] = {}

    def opened(self, connection: socket.socket) -> None:
        with self._changed:
            self._busy[connection] = False

    def mark(self, connection: socket.socket, *, busy: bool) -> None:
        with self._changed:
            self._busy[connection] = busy

    def closed(self, connection: socket.socket) -> None:
        with self._changed:
            self._busy.pop(connection, None)
            self._changed.notify_all()

    def end_idle(self) -> None:
        """Ends the reading side of idle connections. A request that has already arrived is still read and answered
        (the kernel hands out what it holds before it reports the end), so nothing that came in time is lost."""
        with self._changed:
            for connection, busy in self._busy.items():
                if not busy:
                    with suppress(OSError):  # the client closed it first
                        connection.shutdown(socket.SHUT_RD)

    def wait_until_none(self, seconds: float) -> int:
        """Waits for the open connections to end; the number that still hadn't."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, timeout=seconds)
            return len(self._busy)
