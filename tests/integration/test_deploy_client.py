"""The cluster client against a server that misbehaves on purpose, over real TLS."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import trustme

from aks_actions.errors import AuthError, Cancelled, TransientError
from aks_actions.kube.auth import Token
from aks_actions.kube.client import ATTEMPTS, Cluster
from aks_actions.kube.config import connect

Answer = Callable[[BaseHTTPRequestHandler], None]
OK = b'{"kind":"ConfigMap"}'


def answer(status: int, body: bytes = OK, **headers: str) -> Answer:
    """A whole answer."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return send


def reset(request: BaseHTTPRequestHandler) -> None:
    """The connection breaks after the request was read."""
    request.close_connection = True


def cut(body: bytes) -> Answer:
    """A stream that ends in the middle."""

    def send(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
        request.close_connection = True

    return send


class Server:
    """Answers in the order given; the last one stays."""

    def __init__(self, authority: trustme.CA) -> None:
        self.answers: list[Answer] = [answer(200)]
        self.seen: list[tuple[str, str, str]] = []  # method, path, Authorization
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
                (server.answers.pop(0) if len(server.answers) > 1 else server.answers[0])(self)

            do_GET = do_PATCH = do_DELETE = do_POST = handle_any  # noqa: N815  # http.server's names

            def log_message(self, *arguments: Any) -> None:
                """Silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


AUTHORITY = trustme.CA()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own."""
    found = Server(AUTHORITY)
    yield found
    found.close()


class Waits(list[float]):
    """The pauses that would have been made."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def cluster(server: Server, waits: Callable[[float], None], *, trust: bytes | None = None, **more: Any) -> Cluster:
    authority = base64.b64encode(trust if trust is not None else AUTHORITY.cert_pem.bytes()).decode()
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server.url, "certificate-authority-data": authority}}],
        "users": [{"name": "u", "user": {}}],
    }
    return connect(config, wait=waits, **more)


@pytest.mark.parametrize("trouble", [answer(500), answer(503), reset], ids=["500", "503", "reset"])
def test_trouble_that_passes_is_tried_again(server: Server, trouble: Answer) -> None:
    """Server errors and broken connections are retried with growing pauses, and told of."""
    waits, told = Waits(), list[str]()
    server.answers = [trouble, trouble, answer(200)]
    assert cluster(server, waits, notice=told.append).request("PATCH", "/x", body={})[0] == 200
    assert len(server.seen) == 3
    assert waits[1] > waits[0] * 0.9
    assert len(told) == 1


def test_retry_after_is_honoured(server: Server) -> None:
    """A server that says when to come back knows best."""
    waits = Waits()
    server.answers = [answer(429, Retry_After="7"), answer(200)]
    assert cluster(server, waits).request("GET", "/x")[0] == 200
    assert waits == [7.0]


def test_trouble_that_lasts_is_told_as_transient(server: Server) -> None:
    """After a bounded number of tries, with what the last one met."""
    waits = Waits()
    server.answers = [answer(503, b'{"message":"etcd is away"}')]
    with pytest.raises(TransientError) as caught:
        cluster(server, waits).request("GET", "/api/v1/pods")
    assert "etcd is away" in caught.value.why
    assert len(server.seen) == ATTEMPTS


def test_a_wait_longer_than_our_patience_is_not_begun(server: Server) -> None:
    """Retry-After beyond the limit ends the request instead of hanging the job."""
    waits = Waits()
    server.answers = [answer(429, Retry_After="3600")]
    with pytest.raises(TransientError):
        cluster(server, waits).request("GET", "/x")
    assert waits == []


def test_a_cancellation_ends_the_waiting(server: Server) -> None:
    """The job's own sleep raises it."""

    def cancelled(seconds: float) -> None:
        raise Cancelled("the run was cancelled")

    server.answers = [answer(503)]
    with pytest.raises(Cancelled):
        cluster(server, cancelled).request("GET", "/x")


def test_a_refused_token_is_replaced_once(server: Server) -> None:
    """A 401 in mid rollout costs one new token."""
    tokens = {False: Token("old"), True: Token("new")}
    server.answers = [answer(401, b"{}"), answer(200)]
    assert cluster(server, Waits(), token=lambda fresh: tokens[fresh]).request("GET", "/x")[0] == 200
    assert [authorization for *_, authorization in server.seen] == ["Bearer old", "Bearer new"]


def test_a_token_refused_twice_is_an_authentication_failure(server: Server) -> None:
    """No third try, and no token in the message."""
    tokens = {False: Token("0ld-token"), True: Token("n3w-token")}
    server.answers = [answer(401, b"{}")]
    with pytest.raises(AuthError) as caught:
        cluster(server, Waits(), token=lambda fresh: tokens[fresh]).request("GET", "/x")
    assert len(server.seen) == 2
    assert "-token" not in str(vars(caught.value))


def test_a_server_of_another_authority_is_never_trusted(server: Server) -> None:
    """Exit 3 at once, without a request."""
    with pytest.raises(AuthError, match="can't be trusted"):
        cluster(server, Waits(), trust=trustme.CA().cert_pem.bytes()).request("GET", "/x")
    assert server.seen == []


def test_a_redirect_is_not_followed(server: Server) -> None:
    """Credentials go to the kubeconfig's server and nowhere else."""
    server.answers = [answer(302, b"", Location="https://169.254.169.254/")]
    assert cluster(server, Waits(), token=lambda _: Token("t")).request("GET", "/x")[0] == 302
    assert len(server.seen) == 1


def test_a_proxys_page_is_no_crash(server: Server) -> None:
    """What is no JSON becomes a message."""
    server.answers = [answer(400, b"<html>no</html>")]
    assert cluster(server, Waits()).request("GET", "/x")[1]["message"] == "<html>no</html>"


def test_a_watch_that_is_cut_gives_what_came_whole(server: Server) -> None:
    """Half a line is dropped; the caller goes on from the last version."""
    line = json.dumps({"type": "ADDED", "object": {}}).encode() + b"\n"
    server.answers = [cut(line + line + line[:10])]
    assert len(list(cluster(server, Waits()).stream("/api/v1/pods"))) == 2


def test_a_watch_from_a_version_that_is_gone(server: Server) -> None:
    """410 comes as an ERROR event, as it does inside of a stream."""
    server.answers = [answer(410, b'{"kind":"Status","code":410}')]
    (event,) = cluster(server, Waits()).stream("/api/v1/pods", {"resourceVersion": "1"})
    assert event == {"type": "ERROR", "object": {"kind": "Status", "code": 410}}
    assert server.seen[0][1] == "/api/v1/pods?resourceVersion=1&watch=true"


def test_a_silent_watch_ends(server: Server) -> None:
    """A connection that died must not hide a failure for ever."""
    silence = threading.Event()

    def mute(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        silence.wait(10)

    server.answers = [mute]
    assert list(cluster(server, Waits()).stream("/api/v1/pods", silence=0.2)) == []
    silence.set()


@pytest.mark.parametrize(("behind", "ahead"), [(0, 0.0), (300, 300.0), (-300, -300.0)])
def test_the_clusters_clock_is_known_from_its_answers(server: Server, behind: int, ahead: float) -> None:
    """Timestamps of objects are the cluster's; a runner's clock may be minutes off."""

    def dated(request: BaseHTTPRequestHandler) -> None:
        request.send_response_only(200)
        request.send_header("Date", formatdate(time.time() - behind, usegmt=True))
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"{}")

    server.answers = [dated]
    found = cluster(server, Waits())
    found.request("GET", "/x")
    assert found.ahead == pytest.approx(ahead, abs=2.0)
    assert (found.ahead == 0.0) == (ahead == 0.0)
