"""An outside observer: asks the application through a NodePort on the loopback, and counts what fails."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

INTERVAL = 0.05  # seconds; with a time-out of 2 s this is far below what a laptop notices
TIMEOUT = 2.0
SETTLE = 15.0  # seconds that kube-proxy may take to open the way in, and old Pods to leave


@dataclass
class Tally:
    """What was answered: requests by version, and each failure with the seconds since the start."""

    requests: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[float, str]] = field(default_factory=list)


def version(port: int) -> dict[str, str]:
    """The application's own word for what it is. Raises OSError or http.client.HTTPException when it doesn't answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/version")
        answer = connection.getresponse()
        body = answer.read(65536)
        if answer.status != 200:
            raise http.client.HTTPException(f"HTTP {answer.status}")
        found: dict[str, str] = json.loads(body)
        return found
    finally:
        connection.close()


def settled(port: int, commit: str) -> dict[str, str]:
    """What the application says of itself once it is `commit` (any, if empty), or at last; empty if it is silent."""
    deadline, answer = time.monotonic() + SETTLE, dict[str, str]()
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException, ValueError):
            answer = version(port)
            if answer["commit"].startswith(commit):
                break
        time.sleep(INTERVAL)
    return answer


class Prober:
    """Asks for /version again and again while it is entered, by a new connection each time, as new users would."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.tally = Tally()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._probe, daemon=True)

    def __enter__(self) -> Tally:
        settled(self.port, "")  # the way in may be new: it is open before the count begins
        self._thread.start()
        return self.tally

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _probe(self) -> None:
        started = time.monotonic()
        while not self._end.wait(INTERVAL):
            self.tally.requests += 1
            try:
                self.tally.versions[version(self.port)["commit"]] += 1
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                self.tally.failures.append((time.monotonic() - started, f"{type(error).__name__}: {error}"))
