"""`make demo` on a warm world, and how fast each fault is told."""

from __future__ import annotations

import subprocess
import sys
import time

from bench.table import Row
from local.demo.faults import FAULTS


def _timed(*arguments: str) -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "local", "demo", *arguments], check=False, capture_output=True)
    return time.monotonic() - began


def measure() -> list[Row]:
    _timed()  # the first one warms the world
    rows = [Row("make demo, world up, nothing changed", [_timed() for _ in range(3)], 60)]
    return rows + [Row(f"make demo BREAK={name}", [_timed("--break", name)]) for name in FAULTS]
