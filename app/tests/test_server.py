import json
import socket
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from shop.lifecycle import Lifecycle
from shop.routes import Application, Request, Response
from shop.server import Server

from .support import CONFIG, application, connected, serving


class ServerTest(unittest.TestCase):
    def setUp(self) -> None:
        self.lifecycle = Lifecycle()
        self.lifecycle.start_finished()
        self.shop = application(None, lifecycle=self.lifecycle)
        context = serving(self.shop, self.lifecycle)
        self.server = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.port = self.server.server_port

    def test_a_connection_serves_many_requests(self) -> None:
        with connected(self.port) as connection:
            for _ in range(3):
                connection.request("GET", "/version")
                response = connection.getresponse()
                self.assertEqual(json.loads(response.read())["version"], "1.2.3")
                self.assertIsNone(response.getheader("Connection"))

    def test_an_answer_does_not_wait_for_delayed_acknowledgements(self) -> None:
        with connected(self.port) as connection:
            started = time.monotonic()
            for _ in range(20):
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            self.assertLess(time.monotonic() - started, 20 * 0.03)  # each would take 0.04 s

    def test_head_has_the_headers_of_get_and_no_body(self) -> None:
        with connected(self.port) as connection:
            connection.request("HEAD", "/version")
            response = connection.getresponse()
            self.assertGreater(int(response.getheader("Content-Length", "0")), 0)
            self.assertEqual(response.read(), b"")
            connection.request("GET", "/healthz")  # the connection is still in step
            self.assertEqual(connection.getresponse().read(), b"ok\n")

    def test_the_query_is_not_part_of_the_path(self) -> None:
        with connected(self.port) as connection:
            connection.request("GET", "/healthz?probe=[1")
            self.assertEqual(connection.getresponse().status, 200)

    def test_a_request_shows_in_the_metrics_with_its_route_and_code(self) -> None:
        with connected(self.port) as connection:
            for path in ("/", "/made-up/7"):
                connection.request("GET", path)
                connection.getresponse().read()
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        self.assertIn('http_requests_total{method="GET",path="/",code="200"} 1', text)
        self.assertIn('http_requests_total{method="GET",path="other",code="404"} 1', text)
        self.assertIn("http_requests_in_flight 1\n", text)
        self.assertNotIn("made-up", text)

    def test_what_http_forbids_is_answered_and_ends_the_connection(self) -> None:
        for request, status in (
            (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
            (b"POST /cart HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            (b"POST /cart HTTP/1.1\r\nContent-Length: +1\r\n\r\na", 400),
            (b"POST /cart HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", 413),
            (b"POST /cart HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
            (b"BREW /pot HTTP/1.1\r\n\r\n", 501),
            (b"GET / HTTP/9.9\r\n\r\n", 505),
            (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", 414),
        ):
            with self.subTest(request=request[:40]):
                answer = self._raw(request)
                self.assertIn(f" {status} ".encode(), answer.partition(b"\r\n")[0])
                self.assertIn(b"Connection: close", answer)

    def test_a_body_is_asked_for_when_the_client_waits_for_that(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(b"POST /cart HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            self.assertTrue(client.recv(1024).startswith(b"HTTP/1.1 100 "))
            client.sendall(b"{}")
            self.assertTrue(client.recv(1024).startswith(b"HTTP/1.1 503 "))

    def test_a_fault_in_a_route_is_a_500_and_not_the_end_of_the_connection(self) -> None:
        with (
            serving(_Faulty(CONFIG, None, self.lifecycle), self.lifecycle) as server,
            connected(server.server_port) as connection,
        ):
            for _ in range(2):
                with self.assertLogs("shop.http", "ERROR"):
                    connection.request("GET", "/")
                    response = connection.getresponse()
                    response.read()
                self.assertEqual(response.status, 500)

    def _raw(self, request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(request)
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        return answer


class DrainTest(unittest.TestCase):
    def setUp(self) -> None:
        self.lifecycle = Lifecycle()
        self.lifecycle.start_finished()
        self.shop = _Slow(self.lifecycle)
        self.server = Server(("127.0.0.1", 0), self.shop, self.lifecycle)
        self.server.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.shop.proceed.set)
        self.port = self.server.server_port
        self.pool = ThreadPoolExecutor(4)
        self.addCleanup(self.pool.shutdown)

    def test_while_draining_new_connections_are_served_and_told_to_end(self) -> None:
        drained = self.pool.submit(self.server.drain, 0.5, 5)
        self._until_draining()
        with connected(self.port) as connection:
            connection.request("GET", "/version")
            response = connection.getresponse()
            response.read()
        self.assertEqual((response.status, response.getheader("Connection")), (200, "close"))
        with connected(self.port) as connection:
            connection.request("GET", "/readyz")
            self.assertEqual(connection.getresponse().status, 503)
        self.assertEqual(drained.result(5), 0)

    def test_a_request_in_flight_is_finished(self) -> None:
        with connected(self.port) as connection:
            connection.request("GET", "/slow")
            self.assertTrue(self.shop.entered.wait(5))
            drained = self.pool.submit(self.server.drain, 0, 5)
            time.sleep(0.4)  # past the end of accepting and of the idle connections
            self.assertFalse(drained.done())
            self.shop.proceed.set()
            response = connection.getresponse()
            self.assertEqual((response.status, response.read()), (200, b"slow\n"))
        self.assertEqual(drained.result(5), 0)

    def test_an_idle_connection_does_not_hold_the_end_up(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            self.assertTrue(client.recv(4096).endswith(b"ok\n"))
            started = time.monotonic()
            self.assertEqual(self.server.drain(0, 5), 0)
            self.assertLess(time.monotonic() - started, 2)
            self.assertEqual(client.recv(1), b"")

    def test_a_request_that_arrived_before_the_end_of_its_connection_is_answered(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            self.assertEqual(self.server.drain(0, 5), 0)
            self.assertTrue(client.recv(4096).endswith(b"ok\n"))

    def test_a_request_that_never_ends_is_given_up_and_counted(self) -> None:
        with connected(self.port) as connection:
            connection.request("GET", "/slow")
            self.assertTrue(self.shop.entered.wait(5))
            self.assertEqual(self.server.drain(0, 0.2), 1)

    def test_clients_that_come_during_the_whole_drain_lose_no_request(self) -> None:
        stop = threading.Event()
        clients = [self.pool.submit(self._ask_until, stop) for _ in range(3)]
        time.sleep(0.1)
        started = time.monotonic()
        self.lifecycle.drain()
        time.sleep(0.3)
        stop.set()  # routers have noticed by now: no one comes any more
        asked = sum(client.result(5) for client in clients)
        self.assertGreater(asked, 10)
        self.assertEqual(self.server.drain(0, 5), 0)
        self.assertLess(time.monotonic() - started, 3)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1)

    def _ask_until(self, stop: threading.Event) -> int:
        asked = 0
        with connected(self.port) as connection:
            while not stop.is_set():
                connection.request("GET", "/version")  # opens again by itself after "Connection: close"
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    raise AssertionError(response.status)
                asked += 1
        return asked

    def _until_draining(self) -> None:
        deadline = time.monotonic() + 5
        while not self.lifecycle.draining and time.monotonic() < deadline:
            time.sleep(0.01)


class _Slow(Application):
    """The shop with one more route, which answers when it is told to."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        super().__init__(CONFIG, None, lifecycle)
        self.entered = threading.Event()
        self.proceed = threading.Event()

    def respond(self, request: Request) -> Response:
        if request.path != "/slow":
            return super().respond(request)
        self.entered.set()
        self.proceed.wait(10)
        return Response(200, b"slow\n")


class _Faulty(Application):
    """The shop with a fault on every route."""

    def respond(self, request: Request) -> Response:  # noqa: ARG002
        raise ZeroDivisionError


if __name__ == "__main__":
    unittest.main()
