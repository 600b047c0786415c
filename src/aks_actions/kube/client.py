"""Requests to one API server: JSON in and out, bounded retries, and failures in the user's words.

Statuses that a caller can act on (2xx, 400, 404, 409, 410, 413, 422, a 403 of admission or quota) are returned;
what ends an action is raised. Shapes: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import contextlib
import json
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import urllib3

from ..errors import TransientError
from . import refusals
from .auth import Bearer

APPLY = "application/apply-patch+yaml"
CONNECTIONS = 24  # eight appliers, the watches of a rollout and what is asked beside them
RETRY_FOR = 60.0  # seconds that one request may be tried again in all
ATTEMPTS = 6
TRANSIENT = frozenset({429, 500, 502, 503, 504})
# A server-side apply whose fields do not fit the schema is the manifest's fault, whatever the status says.
_FINAL = b"failed to create typed patch object"
TOLERABLE_SILENCE = 70.0  # seconds without a byte after which a watch is given up; bookmarks come about once a minute
CLOCK_TOLERANCE = 2.0  # seconds

Query = Mapping[str, str | int | bool]


class Cluster:
    """One cluster. Threads may share it.

    `wait` sleeps between attempts; a job's own sleep makes a cancellation end it at once. `notice` is told of
    requests that failed more than once.
    """

    def __init__(
        self,
        server: str,
        pool: urllib3.PoolManager,
        *,
        name: str = "",
        bearer: Bearer | None = None,
        headers: Mapping[str, str] | None = None,
        wait: Callable[[float], None] = time.sleep,
        notice: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.server = server.rstrip("/")
        self.name = name or self.server
        self._pool = pool
        self._bearer = bearer
        self._headers = {"Accept": "application/json", "User-Agent": "aks-actions", **(headers or {})}
        self._wait = wait
        self._notice = notice
        self._clock = clock
        self.ahead = 0.0  # seconds that our clock is ahead of the cluster's, as its last answer shows

    def __repr__(self) -> str:
        return f"Cluster({self.name!r})"

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "",
        timeout: float = 35.0,
    ) -> tuple[int, dict[str, Any]]:
        """One request and the JSON that answers it.

        Every request sent through here must be safe to repeat: reads, applies, deletes by UID, reviews, dry runs.
        Raises AuthError (401 after a new token, 403 of RBAC, TLS), TransientError (network, 429 and 5xx that lasted).
        """
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        headers = {"Content-Type": content_type} if data is not None else {}
        if accept:
            headers["Accept"] = accept
        answer = self._send(method, path, query, data, headers, timeout, stream=False)
        return answer.status, _decoded(answer.data)

    def get(self, path: str, query: Query | None = None) -> dict[str, Any] | None:
        """The object or list at `path`; None where there is none."""
        status, found = self.request("GET", path, query=query)
        if status == 404:
            return None
        if status != 200:
            raise refusals.unexpected(self.name, "GET", path, status, found)
        return found

    def text(self, path: str, query: Query | None = None, limit: int = 1024 * 1024) -> str | None:
        """Plain text, such as a container's log, of at most `limit` bytes; None where there is none (any more)."""
        # Tried once: it is evidence, and a rollback waits for it.
        answer = self._send("GET", path, query, None, {"Accept": "*/*"}, 5.0, stream=True, retry_for=0.0)
        try:
            if answer.status != 200:
                return None
            return answer.read(limit, decode_content=True).decode("utf-8", "replace")
        except urllib3.exceptions.HTTPError:
            return None
        finally:
            answer.close()

    def ask(self, path: str, *, timeout: float, limit: int = 64 * 1024) -> tuple[int, bytes]:
        """Status and first bytes of what something behind the API server's proxy answers, whatever that is.

        Nothing is tried again and no redirect is followed; status 0 is no answer. Raises AuthError where the API
        server itself refuses us (its answer is a Status), and for TLS.
        """
        token = self._bearer.value() if self._bearer else ""
        sent = {**self._headers, "Accept": "*/*", **({"Authorization": f"Bearer {token}"} if token else {})}
        limits = urllib3.Timeout(connect=min(timeout, 10.0), read=timeout)
        try:
            answer = self._pool.request(
                "GET",
                self.server + path,
                headers=sent,
                timeout=limits,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            body, ends = b"", self._clock() + timeout  # in all: an answer may come drop by drop
            while len(body) < limit and self._clock() < ends and (chunk := answer.read1(8192)):
                body += chunk
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            if tls := _tls_error(error):
                raise refusals.tls(self.name, self.server, tls) from None
            return 0, refusals.network(error).encode()
        status = _decoded(body) if answer.status in (401, 403) else {}
        if status.get("kind") == "Status" and status.get("apiVersion") == "v1":
            if answer.status == 401:
                raise refusals.unauthorized(self.name, bool(self._bearer), status)
            if refusal := refusals.forbidden(self.name, "GET", path, status):
                raise refusal
        return answer.status, body

    def stream(
        self, path: str, query: Query | None = None, *, silence: float = TOLERABLE_SILENCE
    ) -> Iterator[dict[str, Any]]:
        """Watch events, `{"type": …, "object": …}`, one a line.

        Ends when the server closes the stream, when it breaks and after `silence` seconds without a byte: the caller
        goes on from the last resourceVersion. A refusal (410 Gone) comes as one event of type ERROR.
        Closing the iterator closes the connection. Raises as `request` does.
        """
        answer = self._send("GET", path, {**(query or {}), "watch": "true"}, None, {}, silence, stream=True)
        try:
            if answer.status != 200:
                yield {"type": "ERROR", "object": _decoded(answer.read(1024 * 1024))}
                return
            rest = b""
            for chunk in answer.stream(65536):  # yields what has come, chunk by chunk
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    yield json.loads(line)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            return  # cut in the middle, maybe of a line
        finally:
            answer.close()

    def _send(
        self,
        method: str,
        path: str,
        query: Query | None,
        data: bytes | None,
        headers: dict[str, str],
        timeout: float,
        *,
        stream: bool,
        retry_for: float | None = None,
    ) -> urllib3.BaseHTTPResponse:
        url = self.server + path + (f"?{urlencode(_plain(query))}" if query else "")
        ends = self._clock() + (RETRY_FOR if retry_for is None else retry_for)
        renewed = False
        attempt = 0
        while True:
            attempt += 1
            token = self._bearer.value() if self._bearer else ""
            sent = {**self._headers, **headers, **({"Authorization": f"Bearer {token}"} if token else {})}
            trouble, pause = "", 0.0
            try:
                answer = self._pool.request(
                    method,
                    url,
                    body=data,
                    headers=sent,
                    timeout=urllib3.Timeout(connect=10, read=timeout),
                    retries=False,
                    redirect=False,
                    preload_content=not stream,
                )
            except urllib3.exceptions.HTTPError as error:
                if tls := _tls_error(error):
                    raise refusals.tls(self.name, self.server, tls) from None
                trouble = refusals.network(error)
            else:
                self._compare_clocks(answer.headers.get("Date", ""))
                if answer.status not in TRANSIENT or (not stream and _FINAL in answer.data):
                    if answer.status == 401 and self._bearer and not renewed and self._bearer.renewed(token):
                        renewed = True
                        answer.close()
                        continue
                    if answer.status in (401, 403):
                        self._refuse(method, path, answer)
                    return answer
                found = _decoded(answer.data)
                trouble = f"HTTP {answer.status} {found.get('message', '')}".strip()
                pause = _retry_after(answer.headers.get("Retry-After", ""))
            pause = max(pause, min(8.0, 0.2 * 2**attempt) * random.uniform(0.7, 1.3))  # noqa: S311  # jitter
            if attempt >= ATTEMPTS or self._clock() + pause > ends:
                raise TransientError(
                    f"cluster {self.name} did not serve {method} {path}",
                    why=f"{trouble}; tried {attempt} times",
                    do="Run the job again; if it lasts, look at the cluster's control plane.",
                )
            if attempt > 1:
                self._notice(f"{method} {path}: {trouble}; trying again in {pause:.1f} s")
            self._wait(pause)

    def _compare_clocks(self, date: str) -> None:
        """Timestamps in objects are the cluster's. Dates are cut to whole seconds, so small differences are none."""
        with contextlib.suppress(ValueError):
            ahead = time.time() - parsedate_to_datetime(date).timestamp() - 0.5
            self.ahead = ahead if abs(ahead) > CLOCK_TOLERANCE else 0.0

    def _refuse(self, method: str, path: str, answer: urllib3.BaseHTTPResponse) -> None:
        """Raise where a 401 or 403 is about who we are; a 403 of admission or quota is the caller's."""
        status = _decoded(answer.data)
        if answer.status == 401:
            raise refusals.unauthorized(self.name, bool(self._bearer), status)
        if refusal := refusals.forbidden(self.name, method, path, status):
            raise refusal


def _plain(query: Query) -> dict[str, str]:
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in query.items()}


def _decoded(data: bytes) -> dict[str, Any]:
    """A JSON object; text that is none (a proxy's page) becomes the message of a Status."""
    try:
        found = json.loads(data) if data else {}
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"kind": "Status", "message": data[:2000].decode("utf-8", "replace")}


def _retry_after(value: str) -> float:
    return float(value) if value.isdigit() else 0.0  # API servers send seconds, never a date


def _tls_error(error: BaseException) -> str:
    """The reason of a failed TLS handshake: a wrong certificate or name never passes, so it is not tried again."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            if isinstance(seen, ssl.SSLCertVerificationError):
                return seen.verify_message or str(seen)
            reason = str(getattr(seen, "reason", "") or "")
            return reason if "ALERT" in reason or "CERTIFICATE" in reason else ""
        inner = (
            getattr(seen, "reason", None),
            seen.__cause__,
            seen.__context__,
            *seen.args,
        )  # urllib3 wraps in each of these ways
        seen = next((error for error in inner if isinstance(error, BaseException)), None)
    return ""
