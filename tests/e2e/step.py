"""An action run as one step of a job: its environment is what action.yml maps, and nothing else of the caller's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local import names
from local.cloud.runner import job_environment
from local.world import entered

ROOT = Path(__file__).resolve().parents[2]
AZURE = {
    "tenant-id": names.TENANT,
    "client-id": names.CLIENT_ID,
    "subscription-id": names.SUBSCRIPTION,
    "resource-group": names.RESOURCE_GROUP,
    "cluster-name": names.CLUSTER,
}


def environment(inputs: Mapping[str, str], subject: str | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "XDG_CACHE_HOME"}}
    mapped = {f"INPUT_{name.upper().replace('-', '_')}": value for name, value in inputs.items()}
    return {**kept, "GITHUB_ACTIONS": "true", **(job_environment(subject) if subject else {}), **mapped}


def start(action: str, inputs: Mapping[str, str], subject: str | None, **more: str) -> subprocess.Popen[str]:
    """The step's process, in a session of its own, with its log as `stdout`."""
    return subprocess.Popen(
        entered([str(ROOT / "bin" / "run"), action]),
        env={**environment(inputs, subject), **more},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def step(action: str, inputs: Mapping[str, str], subject: str | None, **more: str) -> tuple[int, str]:
    """Its exit code and log."""
    process = start(action, inputs, subject, **more)
    log, _ = process.communicate(timeout=300)
    return process.returncode, log
