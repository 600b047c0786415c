"""The registry client against an HTTP server that answers as registries do, good and bad."""

from __future__ import annotations

import base64
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from aks_actions.errors import AuthError, InputError, TransientError
from aks_actions.http import ATTEMPTS, Http
from aks_actions.registry.client import Registry
from aks_actions.registry.login import Login

DIGEST = "sha256:" + "a" * 64
MANIFEST = b'{"schemaVersion": 2}'
LOGIN = Login("user", "hunter2")
BASIC = "Basic " + base64.b64encode(b"user:hunter2").decode()

Handler = http.server.BaseHTTPRequestHandler
Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def serving(answer: Callable[[Handler], Answer]) -> Iterator[str]:
    """A server on the loopback interface; gives its host and port."""

    class One(Handler):
        def log_message(self, *_: object) -> None: ...

        def answer(self) -> None:
            status, headers, body = answer(self)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = answer  # noqa: N815  # http.server's names

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), One) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def registry(host: str, login: Login | None = None, pauses: list[float] | None = None) -> Registry:
    return Registry(host, Http({}, (pauses if pauses is not None else []).append), login)


def test_a_tag_is_resolved_by_the_header_of_a_head_request() -> None:
    def answer(request: Handler) -> Answer:
        assert request.command == "HEAD"
        assert "image.index" in request.headers["Accept"]
        return 200, {"Docker-Content-Digest": DIGEST}, b""

    with serving(answer) as host:
        assert registry(host).resolve("shop", "v1") == DIGEST


def test_a_registry_that_gives_no_digest_is_asked_for_the_manifest() -> None:
    with serving(lambda _: (200, {}, MANIFEST)) as host:
        assert registry(host).resolve("shop", "v1") == f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def test_what_is_not_there_is_none() -> None:
    with serving(lambda _: (404, {}, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')) as host:
        assert registry(host).resolve("shop", "v1") is None


def test_a_basic_challenge_is_answered_with_the_login() -> None:
    def answer(request: Handler) -> Answer:
        if request.headers["Authorization"] == BASIC:
            return 200, {"Docker-Content-Digest": DIGEST}, b""
        return 401, {"WWW-Authenticate": 'Basic realm="r"'}, b""

    with serving(answer) as host:
        assert registry(host, LOGIN).resolve("shop", "v1") == DIGEST
        with pytest.raises(AuthError, match="HTTP 401"):
            registry(host).resolve("shop", "v1")


def test_a_bearer_challenge_is_answered_with_a_token_for_its_scope() -> None:
    def answer(request: Handler) -> Answer:
        if request.path.startswith("/token"):
            assert "scope=repository%3Ashop%3Apull" in request.path
            assert "service=the+registry" in request.path
            assert request.headers["Authorization"] == BASIC
            return 200, {}, b'{"token": "t0ken"}'
        if request.headers["Authorization"] == "Bearer t0ken":
            return 200, {"Docker-Content-Digest": DIGEST}, b""
        realm = f'realm="http://{request.headers["Host"]}/token",service="the registry",scope="repository:shop:pull"'
        return 401, {"WWW-Authenticate": f"Bearer {realm}"}, b""

    with serving(answer) as host:
        assert registry(host, LOGIN).resolve("shop", "v1") == DIGEST


@pytest.mark.parametrize("realm", ["http://registry.example/token", "file:///etc/passwd", ""])
def test_a_password_is_never_sent_in_clear_to_another_host(realm: str) -> None:
    with (
        serving(lambda _: (401, {"WWW-Authenticate": f'Bearer realm="{realm}"'}, b"")) as host,
        pytest.raises(AuthError),
    ):
        registry(host, LOGIN).resolve("shop", "v1")


def test_a_fault_that_passes_is_waited_for_as_long_as_the_registry_asks() -> None:
    answers = iter([(503, {}, b""), (429, {"Retry-After": "7"}, b""), (200, {"Docker-Content-Digest": DIGEST}, b"")])
    pauses: list[float] = []
    with serving(lambda _: next(answers)) as host:
        assert registry(host, pauses=pauses).resolve("shop", "v1") == DIGEST
    assert len(pauses) == 2
    assert pauses[1] == 7


def test_a_fault_that_lasts_is_a_transient_error() -> None:
    pauses: list[float] = []
    with serving(lambda _: (502, {}, b"")) as host, pytest.raises(TransientError, match="HTTP 502"):
        registry(host, pauses=pauses).resolve("shop", "v1")
    assert len(pauses) == ATTEMPTS - 1


def test_a_wait_that_is_too_long_ends_at_once() -> None:
    pauses: list[float] = []
    with serving(lambda _: (429, {"Retry-After": "3600"}, b"")) as host, pytest.raises(TransientError):
        registry(host, pauses=pauses).resolve("shop", "v1")
    assert pauses == []


def test_a_server_that_is_no_registry_is_an_input_error() -> None:
    with serving(lambda _: (418, {}, b"teapot")) as host, pytest.raises(InputError, match="418"):
        registry(host).resolve("shop", "v1")
