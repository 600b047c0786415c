"""The shared list and watch against an API server that misbehaves: a small one of our own, in this process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from aks_actions.errors import AuthError
from aks_actions.kube import watch as room
from aks_actions.kube.client import Cluster
from aks_actions.kube.watch import Watch

Script = Callable[["Server", Any, dict[str, str]], None]


class Server:
    """Lists `pods`, at `version`; what a watch gets is the next of `watches`. Requests are remembered."""

    def __init__(self) -> None:
        self.pods: dict[str, str] = {}
        self.version = 10
        self.watches: list[Script] = []
        self.requests: list[str] = []
        self.refusals: dict[str, int] = {}
        self.over = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def _handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # the handler's own self is another
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                query = {key: values[0] for key, values in parse_qs(split.query).items()}
                kind = split.path.rpartition("/")[2]
                verb = "watch" if query.get("watch") == "true" else "list"
                server.requests.append(f"{verb} {kind} {query.get('resourceVersion', '')}".strip())
                if kind in server.refusals:
                    self._json(server.refusals[kind], forbidden(kind))
                elif verb == "list":
                    items = [pod(name, version) for name, version in server.pods.items()]
                    self._json(200, {"metadata": {"resourceVersion": str(server.version)}, "items": items})
                else:
                    self.send_response(200)
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    script = server.watches.pop(0) if server.watches else silence
                    script(server, self, query)

            def _json(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def pod(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": version}}


def forbidden(kind: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "reason": "Forbidden",
        "code": 403,
        "message": f'{kind} is forbidden: User "me" cannot list resource "{kind}" in API group "" in the namespace "n"',
        "details": {"kind": kind},
    }


def send(handler: Any, kind: str, found: dict[str, Any]) -> None:
    line = json.dumps({"type": kind, "object": found}).encode() + b"\n"
    handler.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
    handler.wfile.flush()


def end(handler: Any) -> None:
    handler.wfile.write(b"0\r\n\r\n")


def silence(server: Server, handler: Any, query: dict[str, str]) -> None:
    server.over.wait(20)


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.over.set()
    found.http.shutdown()


@pytest.fixture
def cluster(server: Server) -> Cluster:
    port = server.http.server_address[1]
    return Cluster(f"http://127.0.0.1:{port}", urllib3.PoolManager(maxsize=8), name="small")


def names(watch: Watch) -> set[str]:
    return {found["metadata"]["name"] for found in watch.objects}


def until(watch: Watch, condition: Callable[[], bool], timeout: float = 5.0) -> float:
    """Update until `condition`; the seconds that it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < timeout, "the watch did not get there in time"
        watch.update(0.05)
    return time.monotonic() - begun


def test_a_change_is_seen_at_once(server: Server, cluster: Cluster) -> None:
    """What the stream brings is in the objects within a tenth of a second; removals too."""
    go = threading.Event()

    def script(_: Server, handler: Any, query: dict[str, str]) -> None:
        go.wait(5)
        send(handler, "ADDED", pod("b", "11"))
        send(handler, "DELETED", pod("a", "12"))
        silence(server, handler, query)

    server.pods, server.watches = {"a": "5"}, [script]
    with Watch(cluster, [("Pod", "n")]) as watch:
        until(watch, lambda: names(watch) == {"a"})
        go.set()
        assert until(watch, lambda: names(watch) == {"b"}) < 0.1
    assert server.requests[:2] == ["list pods", "watch pods 10"]


@pytest.mark.parametrize("kind", ["ERROR event", "cut in the middle of a line", "closed"])
def test_a_broken_stream_is_mended(server: Server, cluster: Cluster, kind: str) -> None:
    """410 in an ERROR event leads to a new list; a cut or closed stream goes on from the last version."""

    def script(server: Server, handler: Any, query: dict[str, str]) -> None:
        send(handler, "BOOKMARK", pod("", "15"))
        if kind == "ERROR event":
            server.pods, server.version = {"new": "20"}, 20
            send(handler, "ERROR", {"kind": "Status", "code": 410, "reason": "Expired"})
            end(handler)
        elif kind == "closed":
            end(handler)
        else:
            handler.wfile.write(b'20\r\n{"type": "ADDED", "obj')
            handler.wfile.flush()
            handler.connection.close()
            handler.close_connection = True

    def then(server: Server, handler: Any, query: dict[str, str]) -> None:
        send(handler, "ADDED", pod("new", "20"))
        silence(server, handler, query)

    server.pods, server.watches = {"a": "5"}, [script, then]
    with Watch(cluster, [("Pod", "n")]) as watch:
        until(watch, lambda: "new" in names(watch))
        until(watch, lambda: sum("watch" in request for request in server.requests) == 2)
    again = ["list pods", "watch pods 20"] if kind == "ERROR event" else ["watch pods 15"]
    assert server.requests == ["list pods", "watch pods 10", *again]
    assert names(watch) == ({"new"} if kind == "ERROR event" else {"a", "new"})


def test_a_silent_stream_is_opened_again(server: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection over which nothing comes any more does not hide what happens."""
    monkeypatch.setattr(room, "SILENCE", 0.5)

    def then(server: Server, handler: Any, query: dict[str, str]) -> None:
        send(handler, "ADDED", pod("new", "20"))
        silence(server, handler, query)

    server.watches = [silence, then]
    with Watch(cluster, [("Pod", "n")]) as watch:
        assert 0.4 < until(watch, lambda: names(watch) == {"new"}) < 3


def test_requests_do_not_grow_with_the_objects(server: Server, cluster: Cluster) -> None:
    """A hundred pods cost one list and one watch, as one pod does."""
    server.pods = {f"pod-{i}": "5" for i in range(100)}
    with Watch(cluster, [("Pod", "n"), ("Pod", "n")]) as watch:
        until(watch, lambda: len(names(watch)) == 100)
        until(watch, lambda: len(server.requests) == 2)
    assert server.requests == ["list pods", "watch pods 10"]


def test_a_kind_that_may_not_be_read_ends_the_wait(server: Server, cluster: Cluster) -> None:
    """Without permission on pods no verdict is possible: the refusal is raised."""
    server.refusals = {"pods": 403}
    with Watch(cluster, [("Pod", "n")]) as watch, pytest.raises(AuthError):
        until(watch, lambda: False)


def test_events_may_be_missing(server: Server, cluster: Cluster) -> None:
    """Without permission on events the rest goes on; it is said that they are missing."""
    server.pods, server.refusals = {"a": "5"}, {"events": 403}
    with Watch(cluster, [("Pod", "n"), ("Event", "n")]) as watch:
        until(watch, lambda: watch.synced and names(watch) == {"a"})
        assert set(watch.missing) == {"Event"}


def test_an_unreadable_server_is_told(server: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the API server answers with errors the watch keeps trying, and says so."""
    monkeypatch.setattr("aks_actions.kube.client.RETRY_FOR", 0.5)
    server.refusals = {"pods": 503}
    server.pods = {"a": "5"}
    with Watch(cluster, [("Pod", "n")]) as watch:
        until(watch, lambda: watch.trouble is not None)
        server.refusals = {}
        until(watch, lambda: names(watch) == {"a"})
        until(watch, lambda: watch.trouble is None)
