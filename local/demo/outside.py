"""The way in from outside: a NodePort beside the application's own Service, and a look at what is deployed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.world import paths

NAMESPACE = "shop"
DEPLOYMENT = "shop"
SERVICE = "shop-outside"


def kubectl(*arguments: str, document: object = None) -> str:
    """kubectl as the world's administrator. Raises subprocess.CalledProcessError."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", str(paths.KUBECONFIG), *arguments],
        input=json.dumps(document) if document is not None else None,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def deployed() -> dict[str, Any] | None:
    """The Deployment, or None where nothing was deployed yet."""
    found = kubectl("get", "deployment", DEPLOYMENT, "--namespace", NAMESPACE, "--ignore-not-found", "--output", "json")
    return json.loads(found) if found else None


def image() -> str:
    """The image that the Deployment names, by digest."""
    deployment = deployed()
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"] if deployment else ""


def node_port() -> int:
    """The port on 127.0.0.1 that leads to the application; made where it is missing."""
    selector = json.loads(kubectl("get", "service", DEPLOYMENT, "--namespace", NAMESPACE, "--output", "json"))["spec"]
    ports = [{"name": "http", "port": 80, "targetPort": selector["ports"][0]["targetPort"]}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": NAMESPACE},
        "spec": {"type": "NodePort", "selector": selector["selector"], "ports": ports},
    }
    applied = kubectl("apply", "--server-side", "--filename", "-", "--output", "json", document=service)
    return int(json.loads(applied)["spec"]["ports"][0]["nodePort"])
