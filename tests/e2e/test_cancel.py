"""A step that is cancelled as the runner does it: SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.step import AZURE, start

pytestmark = pytest.mark.usefixtures("world")

NEVER_READY = """
apiVersion: v1
kind: ConfigMap
metadata: {{name: before, namespace: {namespace}}}
data: {{a: b}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: slow, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: slow}}}}
  template:
    metadata: {{labels: {{app: slow}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: busybox:stable
          command: [sleep, "600"]
          startupProbe: {{exec: {{command: ["false"]}}, periodSeconds: 5, failureThreshold: 100}}
"""


def session(leader: int) -> list[int]:
    """All living processes of a session, wherever they were reparented to."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_cancelled_rollout_ends_in_seven_seconds_and_lists_what_was_applied(
    subject: str, namespace: str, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    manifests = tmp_path / "slow.yaml"
    manifests.write_text(NEVER_READY.format(namespace=namespace))
    step = start("deploy-aks", {**AZURE, "manifests": str(manifests)}, subject)
    assert step.stdout
    printed = []
    for line in step.stdout:
        printed.append(line)
        if "0 available" in line:
            break
    began = time.monotonic()
    os.kill(step.pid, number)
    printed += list(step.stdout)
    assert step.wait(timeout=15) == code
    assert time.monotonic() - began < 7
    said = "".join(printed)
    assert f"applied: ConfigMap/{namespace}/before, Deployment/{namespace}/slow" in said, said
    assert "cancelled" in said
    assert session(step.pid) == []
