"""The five ways in which `make demo BREAK=…` breaks a commit, each in a scratch clone of the checkout."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.demo import outside
from local.demo.pipeline import git

MISSING = "sha256:" + "dead" * 16
QUOTA = "demo-quota"


@dataclass(frozen=True)
class Fault:
    """What is changed in the Deployment's Pod, and what the world's administrator does beside it."""

    says: str
    pod: Mapping[str, Any] = field(default_factory=dict)  # merged into the Pod's first container
    digest: str = ""  # deployed instead of the one that runs
    quota: bool = False


FAULTS = {
    "image": Fault("deploys a digest that was never pushed", digest=MISSING),
    "crash": Fault(
        "the new version ends right after it starts",
        {
            "command": [
                "python3",
                "-c",
                "import sys; print('shop: no catalogue at /data', file=sys.stderr); sys.exit(3)",
            ]
        },
    ),
    "probe": Fault(
        "the new version never becomes ready",
        {
            "readinessProbe": {
                "httpGet": {"path": "/nowhere", "port": "http"},
                "periodSeconds": 1,
                "failureThreshold": 3,
            }
        },
    ),
    "secret": Fault(
        "the new version needs a Secret that does not exist",
        {"envFrom": [{"configMapRef": {"name": "shop"}}, {"secretRef": {"name": "shop-payments"}}]},
    ),
    "quota": Fault("a ResourceQuota has no room for one more Pod", quota=True),
}


@contextlib.contextmanager
def broken(checkout: Path, scratch: Path, name: str) -> Iterator[tuple[Path, dict[str, str]]]:
    """A clone in `scratch` with the broken commit, and the inputs for a workflow_dispatch that deploys it."""
    fault = FAULTS[name]
    clone = scratch / "shop"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(checkout), str(clone)], check=True)
    path = clone / "app" / "k8s" / "deployment.yaml"
    deployment = yaml.safe_load(path.read_text())
    template = deployment["spec"]["template"]
    template["spec"]["containers"][0].update(fault.pod)
    template["metadata"].setdefault("annotations", {})["demo/broken"] = f"{name} {time.time():.0f}"
    path.write_text(yaml.safe_dump(deployment, sort_keys=False))
    author = ("-c", "user.name=demo", "-c", "user.email=demo@localhost")
    git(clone, *author, "commit", "--quiet", "--all", "--message", f"Break it: {fault.says}")
    with _quota() if fault.quota else contextlib.nullcontext():
        yield clone, {"environment": "production", "digest": fault.digest or outside.image().partition("@")[2]}


@contextlib.contextmanager
def _quota() -> Iterator[None]:
    """A quota that is used up, as a platform's owner would set it. Pods that are ending would leave room behind."""
    wanted = (outside.deployed() or {"spec": {"replicas": 0}})["spec"]["replicas"]
    scope = ("--namespace", outside.NAMESPACE)
    outside.kubectl("create", "quota", QUOTA, f"--hard=pods={wanted}", *scope)
    try:
        yield
    finally:
        outside.kubectl("delete", "quota", QUOTA, "--ignore-not-found", *scope)
