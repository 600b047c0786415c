"""An action's own start-up: from bin/run to its first line, with and without a warm tool cache."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from bench.table import Row

ROOT = Path(__file__).resolve().parents[1]


def _first_line(environ: dict[str, str]) -> float:
    """Seconds until the action says that an input is missing: all of it has been loaded by then."""
    began = time.monotonic()
    with subprocess.Popen([ROOT / "bin" / "run", "deploy-aks"], env=environ, stdout=subprocess.PIPE) as action:
        if action.stdout:
            action.stdout.readline()
        return time.monotonic() - began


def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "RUNNER_TOOL_CACHE": f"{folder}/tools", "UV_CACHE_DIR": f"{folder}/uv"}
        nothing = [_first_line(environ)]
        warm = [_first_line(environ) for _ in range(10)]
        downloaded = [_first_line({**environ, "RUNNER_TOOL_CACHE": f"{folder}/tools-{run}"}) for run in range(3)]
        python = []
        for _ in range(10):
            began = time.monotonic()
            subprocess.run(["python3", "-c", "pass"], check=True)
            python.append(time.monotonic() - began)
    return [
        Row("warm", warm, 0.4),
        Row("cold: tool cache empty, packages in uv's cache", downloaded, 3),
        Row("cold: nothing there, everything is downloaded", nothing),
        Row("for comparison: python3 -c pass", python),
    ]
