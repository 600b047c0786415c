"""The listener: a thread a connection, and an end of life that loses no request."""

import logging
import selectors
import socket
import socketserver
import sys
import threading
import time
from http.server import ThreadingHTTPServer
from typing import Any

from shop.connections import Connections
from shop.handler import Handler
from shop.lifecycle import Lifecycle
from shop.logs import fields
from shop.routes import Application

_LINGER_SECONDS = 0.1  # for a request whose connection was accepted just before the listener stopped
_log = logging.getLogger("shop.server")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # `drain` waits, with a limit
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], application: Application, lifecycle: Lifecycle) -> None:
        """Listens at once. Raises OSError if the address can't be had."""
        self.application = application
        self.lifecycle = lifecycle
        self.connections = Connections()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up in DNS, which can hang where there is none.
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,), name="accept", daemon=True).start()

    def drain(self, accept_seconds: float, finish_seconds: float) -> int:
        """Not ready from now on, but serving: routers need a moment to notice. Then no new connections, then the end of
        the idle ones, then of those in flight. The number of connections given up after `finish_seconds`."""
        self.lifecycle.drain()
        time.sleep(accept_seconds)
        self.shutdown()
        self._accept_backlog()
        time.sleep(_LINGER_SECONDS)
        self.connections.end_idle()
        given_up = self.connections.wait_until_none(finish_seconds)
        self.server_close()
        return given_up

    def _accept_backlog(self) -> None:
        """Takes what the kernel has already accepted for us: closing the listener would reset it."""
        self.timeout = 0
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while selector.select(0):
                self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.opened(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Closes so that the last response arrives: with input left unread, the kernel would reset the connection."""
        try:
            request.shutdown(socket.SHUT_WR)
            deadline = time.monotonic() + 1
            while (left := deadline - time.monotonic()) > 0:
                request.settimeout(left)
                if not request.recv(65536):
                    break
        except OSError:
            pass  # the client is gone already, or doesn't close: both are fine
        finally:
            self.connections.closed(request)
            self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exception()
        if isinstance(error, OSError):
            _log.debug("connection lost", extra=fields(client=client_address[0], error=str(error)))
        else:
            _log.error("connection failed", extra=fields(client=client_address[0]), exc_info=error)
