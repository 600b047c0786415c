"""Request metrics in the Prometheus text exposition format, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # upper bounds in seconds


class Metrics:
    """Counts requests by method, path and code. `path` must be a route, never what a client made up."""

    def __init__(self, build: Mapping[str, str]) -> None:
        self._build = build
        self._started_at = time.time()
        self._lock = threading.Lock()
        self._in_flight = 0
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._durations: dict[str, list[int]] = {}  # path to counts per bucket, +Inf last
        self._seconds: dict[str, float] = {}

    def request_started(self) -> None:
        with self._lock:
            self._in_flight += 1

    def request_finished(self, method: str, path: str, code: int, seconds: float) -> None:
        bucket = next((index for index, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        with self._lock:
            self._in_flight -= 1
            self._requests[method, path, code] += 1
            self._durations.setdefault(path, [0] * (len(BUCKETS) + 1))[bucket] += 1
            self._seconds[path] = self._seconds.get(path, 0.0) + seconds

    def render(self, *, ready: bool) -> str:
        with self._lock:
            return "\n".join(self._lines(ready)) + "\n"

    def _lines(self, ready: bool) -> Iterator[str]:
        yield from _head("http_requests_total", "counter", "Requests answered, by method, route and status code.")
        for (method, path, code), count in sorted(self._requests.items()):
            yield _sample("http_requests_total", count, method=method, path=path, code=str(code))
        yield from _head("http_request_duration_seconds", "histogram", "Time from request line to answer, by route.")
        for path, counts in sorted(self._durations.items()):
            for bound, cumulative in zip((*map(str, BUCKETS), "+Inf"), accumulate(counts), strict=True):
                yield _sample("http_request_duration_seconds_bucket", cumulative, path=path, le=bound)
            yield _sample("http_request_duration_seconds_sum", self._seconds[path], path=path)
            yield _sample("http_request_duration_seconds_count", sum(counts), path=path)
        yield from _head("http_requests_in_flight", "gauge", "Requests being answered now, this one included.")
        yield _sample("http_requests_in_flight", self._in_flight)
        yield from _head("shop_ready", "gauge", "1 while the readiness probe passes.")
        yield _sample("shop_ready", int(ready))
        yield from _head("shop_build_info", "gauge", "Always 1; its labels tell what runs.")
        yield _sample("shop_build_info", 1, **self._build)
        yield from _head("process_start_time_seconds", "gauge", "Start of the process, in seconds since the epoch.")
        yield _sample("process_start_time_seconds", self._started_at)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _sample(sample: str, value: float, /, **labels: str) -> str:
    pairs = ",".join(f'{name}="{_escape(text)}"' for name, text in labels.items())
    return f"{sample}{{{pairs}}} {value!r}" if pairs else f"{sample} {value!r}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
