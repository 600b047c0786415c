"""How long after the API shows a finished rollout it is reported: by deploy-aks, and by kubectl beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.table import Row
from local.demo.outside import kubectl
from local.world import paths, use

RUNS = 5
NAMESPACE = "bench-rollout"
KUBECTL = str(Path(sys.executable).with_name("kubectl"))


def _deployment(run: int) -> dict[str, Any]:
    labels = {"app": "web"}
    ready = {"exec": {"command": ["true"]}, "periodSeconds": 1}
    container = {"name": "web", "image": "busybox:stable", "command": ["sleep", "600"], "readinessProbe": ready}
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": {"run": str(run)}}, "spec": pod},
        },
    }


def _done(deployment: dict[str, Any]) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    return status.get("observedGeneration") == deployment["metadata"]["generation"] and counts == [wanted] * 4


def _shown(generation: int) -> float:
    """When the API shows the rollout of `generation` finished, as an independent watch sees it."""
    watch = [KUBECTL, "get", "deployment", "web", "--namespace", NAMESPACE, "--watch", "--output", "json"]
    with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True, env=_environ()) as process:
        decoder, text = json.JSONDecoder(), ""
        for line in process.stdout or ():
            text += line
            try:
                found, end = decoder.raw_decode(text)
            except ValueError:
                continue
            text = text[end:].lstrip()
            if found["metadata"]["generation"] >= generation and _done(found):
                process.terminate()
                return time.monotonic()
    raise RuntimeError("the watch ended before the rollout did")


def _when(command: list[str], says: Callable[[str], bool], into: list[float]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environ()) as process:
        into.extend(time.monotonic() for line in process.stdout or () if says(line))


def _environ() -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(paths.KUBECONFIG)}


def measure() -> list[Row]:
    ours: list[float] = []
    theirs: list[float] = []
    with use(), tempfile.TemporaryDirectory() as folder:
        kubectl("create", "namespace", NAMESPACE)
        manifest = Path(folder) / "web.json"
        for run in range(RUNS):
            manifest.write_text(json.dumps(_deployment(run)))
            deploy = [sys.executable, "-m", "aks_actions.cli", "deploy", "--manifests", str(manifest)]
            follow = [KUBECTL, "rollout", "status", "deployment/web", "--namespace", NAMESPACE]
            said: tuple[list[float], list[float]] = ([], [])
            threads = [
                threading.Thread(target=_when, args=(deploy, lambda line: line.rstrip().endswith(": ready"), said[0]))
            ]
            threads[0].start()
            while not _exists(run):
                time.sleep(0.02)
            threads.append(threading.Thread(target=_when, args=(follow, lambda line: "successfully" in line, said[1])))
            threads[1].start()
            shown = _shown(run + 1)
            for thread in threads:
                thread.join()
            ours.append(said[0][-1] - shown)
            theirs.append(said[1][-1] - shown)
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    return [
        Row("success told after the API shows it: deploy-aks", ours, 0.5),
        Row("success told after the API shows it: kubectl rollout status", theirs),
    ]


def _exists(run: int) -> bool:
    found = kubectl("get", "deployment", "web", "--namespace", NAMESPACE, "--ignore-not-found", "--output", "json")
    return bool(found) and json.loads(found)["spec"]["template"]["metadata"]["annotations"]["run"] == str(run)
