"""The TLS server: threads, keep-alive, a service for each host name, an access log without secrets."""

import http.server
import socket
import socketserver
import ssl
import sys
import time
import traceback
import urllib.parse
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import responses
from typing import Any

from local.cloud.wire import Body, ClientGone, Pieces, Refusal, Request, Response, Service, reply

IDLE_SECONDS = 120  # a silent connection, in a handshake, between requests or inside a body
DRAIN = 32 * 1024 * 1024  # bytes of an unread body that are worth reading to keep a connection


class CloudServer(socketserver.ThreadingTCPServer):
    """Listens on (address, port); `services` maps a host name to what answers for it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, where: tuple[str, int], context: ssl.SSLContext, services: Mapping[str, Service]) -> None:
        self.context = context
        self.services = services
        super().__init__(where, Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the connection's own thread: a client that stalls in it holds up nobody else.
        request.settimeout(IDLE_SECONDS)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as connection:
            super().finish_request(connection, client_address)

    def handle_error(self, *_: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError | ClientGone):  # clients that go away are no news
            traceback.print_exc()


class Handler(http.server.BaseHTTPRequestHandler):
    """Finds the service for the Host header and sends its answer."""

    server: CloudServer
    protocol_version = "HTTP/1.1"
    server_version = "local-cloud"
    sys_version = ""
    timeout = IDLE_SECONDS

    def log_message(self, *_: Any) -> None:
        """Silent: `answer` writes the access log."""

    def answer(self) -> None:
        began = time.monotonic()
        url = urllib.parse.urlsplit(self.path)
        host = (self.headers.get("Host") or "").rpartition(":")[0] or self.headers.get("Host") or ""
        body = Body(self.rfile, self.headers)
        request = Request(self.command, host.lower(), url.path, url.query, self.headers, body)
        response = self._response(request)
        self.close_connection |= not body.ended and not drained(body)
        try:
            self._send(response)
        finally:
            spent = (time.monotonic() - began) * 1000
            print(f"{self.command} {host} {url.path} {response.status} {spent:.0f}ms", flush=True)

    def __getattr__(self, name: str) -> Any:
        # http.server looks for do_GET, do_PUT and so on; one answer serves every method.
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def _response(self, request: Request) -> Response:
        service = self.server.services.get(request.host)
        if service is None:
            return reply(421, {"error": f"no double answers for {request.host!r}"})
        try:
            return service(request)
        except Refusal as refusal:
            return refusal.response
        except ClientGone:
            raise
        except Exception:  # a fault of the double: the client gets a 500, the log the reason, the server lives on
            traceback.print_exc()
            return reply(500, {"error": "the double failed; its log has the traceback"})

    def _send(self, response: Response) -> None:
        lines = [f"HTTP/1.1 {response.status} {responses.get(response.status, '')}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        names = {name.lower() for name, _ in response.headers}
        bodiless = self.command == "HEAD" or response.status in (204, 304)
        chunked = not isinstance(response.body, bytes) and "content-length" not in names and not bodiless
        if chunked:
            lines.append("Transfer-Encoding: chunked")
        elif isinstance(response.body, bytes) and "content-length" not in names and response.status not in (204, 304):
            lines.append(f"Content-Length: {len(response.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if isinstance(response.body, bytes):
            # One write: a header and a body in two segments would wait for each other's acknowledgement.
            self.wfile.write(head if bodiless else head + response.body)
            return
        self.wfile.write(head)
        self._stream(response.body, bodiless, chunked)

    def _stream(self, pieces: Pieces, bodiless: bool, chunked: bool) -> None:
        with closing(pieces):
            for piece in pieces:
                if not bodiless:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")


def drained(body: Body) -> bool:
    """Reads what a service left unread, so that the next request starts in place; False when it is too much."""
    read = 0
    with suppress(ClientGone):
        for piece in body:
            read += len(piece)
            if read > DRAIN:
                break
    return body.ended
