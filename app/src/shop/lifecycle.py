"""Where the process is in its life: what readiness answers, and whether connections are kept alive."""

import threading


class Lifecycle:
    def __init__(self) -> None:
        self._started = threading.Event()
        self._draining = threading.Event()

    def start_finished(self) -> None:
        self._started.set()

    def drain(self) -> None:
        self._draining.set()

    @property
    def draining(self) -> bool:
        return self._draining.is_set()

    @property
    def ready(self) -> bool:
        return self.phase == "ready"

    @property
    def phase(self) -> str:
        """starting, ready or draining."""
        if self.draining:
            return "draining"
        return "ready" if self._started.is_set() else "starting"
