"""Deploys for tests: the command as a user runs it, and manifests to begin with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import names

NOT_THERE = f"{names.REGISTRY}/gone@sha256:{'1' * 64}"


@dataclass(frozen=True)
class Run:
    """How a run ended: exit code, outputs, what people saw."""

    code: int
    outputs: dict[str, Any]
    log: str


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "aks_actions.cli", "deploy", *arguments, "--output", "json"]


def environment(**more: str) -> dict[str, str]:
    """A shell's environment outside of any workflow."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "ACTIONS_", "RUNNER_"))}
    return {**kept, "KUBECONFIG": str(names.STATE / "kubeconfig"), **more}


def deploy(folder: Path, *arguments: str, **more: str) -> Run:
    """Deploy the manifests in `folder`; `more` are variables."""
    done = subprocess.run(
        command("--manifests", ".", "--timeout", "40s", *arguments),
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Run(done.returncode, json.loads(done.stdout or "{}"), done.stderr)


def secret(namespace: str, value: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "keys", "namespace": namespace},
            "stringData": {"key": value},
        }
    )


def config_map(name: str, namespace: str, **data: str) -> str:
    return json.dumps(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}
    )


def web(namespace: str, *, image: str = "busybox:stable", text: str = "one", replicas: int = 2) -> str:
    """A Deployment that serves one page, and whose rollout takes about two seconds."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: {namespace}, labels: {{app: web}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: {image}
          command: [sh, -c, "mkdir -p /w; echo {text} >/w/index.html; exec httpd -f -p 8080 -h /w"]
          ports: [{{containerPort: 8080, name: http}}]
          envFrom: [{{configMapRef: {{name: settings}}}}]
          readinessProbe: {{httpGet: {{path: /, port: http}}, periodSeconds: 1}}
"""
