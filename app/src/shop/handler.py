"""HTTP/1.1 on one connection: requests within limits, answers, and either kept alive or told that it ends."""

import logging
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

from shop.logs import fields
from shop.routes import Request, Response

if TYPE_CHECKING:
    from shop.server import Server

_KEEP_ALIVE_SECONDS = 75  # longer than the usual idle timeout of proxies (60 s): let them close first
_READ_SECONDS = 10  # for the rest of a request, once its first line is there
_MAX_BODY_BYTES = 64 * 1024
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for every second: logged when they fail

_log = logging.getLogger("shop.http")


class Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"
    server_version = "shop"
    sys_version = ""
    timeout = _KEEP_ALIVE_SECONDS
    wbufsize = -1  # headers and body in one packet, or Nagle and delayed ACKs cost 40 ms
    disable_nagle_algorithm = True
    _started = 0.0  # monotonic, when the request line had been read

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True  # the client went away
        finally:
            self.connection.settimeout(_KEEP_ALIVE_SECONDS)
            self.server.connections.mark(self.connection, busy=False)

    def parse_request(self) -> bool:
        self.server.connections.mark(self.connection, busy=True)
        self.connection.settimeout(_READ_SECONDS)
        self._started = time.monotonic()
        self.path, self.command = "", ""
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        answered = super().handle_expect_100()
        self.wfile.flush()
        return answered

    def _serve(self) -> None:
        metrics = self.server.application.metrics
        metrics.request_started()
        status = 500
        path = self.path.partition("?")[0]
        try:
            status = self._answer(path)
        finally:
            seconds = time.monotonic() - self._started
            route = self.server.application.route(path)
            metrics.request_finished(self.command, route, status, seconds)
            quiet = route in _QUIET_ROUTES and status < 400
            # Never the query or a header: they may hold what isn't ours to keep.
            _log.log(
                logging.DEBUG if quiet else logging.INFO,
                "request",
                extra=fields(
                    method=self.command,
                    path=path,
                    status=status,
                    milliseconds=round(seconds * 1000, 2),
                    client=self.client_address[0],
                ),
            )

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  (http.server's names)

    def _answer(self, path: str) -> int:
        body, refusal = self._read_body()
        if refusal is not None:
            self._write(refusal, close=True)  # where the next request would start is unknown
            return refusal.status
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = self.server.application.respond(Request(self.command, path, headers, body))
        except Exception:  # the edge of the application: whatever it is, the client is told and the log has it
            _log.exception("request failed", extra=fields(method=self.command, path=path))
            response = Response(500, b"internal error\n")
        self._write(response)
        return response.status

    def _read_body(self) -> tuple[bytes, Response | None]:
        """The body, or the response to refuse it with."""
        if self.headers.get("Transfer-Encoding") is not None:
            return b"", Response(411, b"send a Content-Length\n")
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        length = lengths.pop().strip()
        if lengths or not (length.isascii() and length.isdigit()):
            return b"", Response(400, b"Content-Length is not one number\n")
        if len(length) > 9 or int(length) > _MAX_BODY_BYTES:
            return b"", Response(413, f"the body is over {_MAX_BODY_BYTES} bytes\n".encode())
        try:
            body = self.rfile.read(int(length))
        except TimeoutError:
            return b"", Response(408, b"the body did not arrive\n")
        if len(body) < int(length):
            return b"", Response(400, b"the body ended early\n")
        return body, None

    def _write(self, response: Response, *, close: bool = False) -> None:
        self.send_response_only(response.status)
        self.send_header("Date", self.date_time_string())
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in response.headers.items():
            self.send_header(name, value)
        if close or self.close_connection or self.server.lifecycle.draining:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)
        self.wfile.flush()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What the base class can't parse or has no method for: answered like everything else, then closed."""
        self.request_version = self.protocol_version  # or the base class writes no status line where it read none
        text = message or HTTPStatus(code).phrase
        self._write(Response(code, f"{text}\n".encode()), close=True)
        metrics = self.server.application.metrics
        metrics.request_started()
        metrics.request_finished("other", "other", code, seconds=0)  # refused before it was read
        _log.info("bad request", extra=fields(status=code, reason=text, client=self.client_address[0]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        _log.debug(format % args)
