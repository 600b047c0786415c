"""The world, from cached binaries: made anew. It is ended first, so run this when nobody uses it."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.table import Row

RUNS = 3


def _timed(command: str) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "local", command], check=True, capture_output=True)
    return time.monotonic() - began


def measure() -> list[Row]:
    up, again, down = [], [], []
    for _ in range(RUNS):
        down.append(_timed("down"))
        up.append(_timed("up"))
        again.append(_timed("up"))
    return [Row("up, from cached binaries", up, 15), Row("up, when it is up", again), Row("down", down)]
