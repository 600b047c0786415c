"""verify-health as people call it, on a real cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local import names

Kubectl = Callable[..., str]
Object = dict[str, Any]

DIGEST = f"sha256:{'e' * 64}"
SERVER = ["sh", "-c", "mkdir /tmp/w; echo ok > /tmp/w/ok; exec httpd -f -p 8080 -h /tmp/w"]


def http(path: str, **figures: int) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, **figures}


PROBES = {
    "startupProbe": http("/ok", periodSeconds=1, failureThreshold=20),
    "readinessProbe": http("/ok", periodSeconds=1, failureThreshold=2),
    "livenessProbe": http("/ok", periodSeconds=2, failureThreshold=2),
}


def deployment(name: str, **container: Any) -> Object:
    ports = [{"name": "http", "containerPort": 8080}]
    each = {"name": "web", "image": "busybox:stable", "command": SERVER, "ports": ports, **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [each]},
            },
        },
    }


def service(name: str, app: str, port: str = "http", target: str | int = "http") -> Object:
    ports = [{"name": port, "port": 80, "targetPort": target}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": ports},
    }


@dataclass
class Verified:
    code: int
    outputs: Object
    log: str


@pytest.fixture(scope="module")
def shop(kubectl: Kubectl) -> Iterator[str]:
    """A namespace with a healthy Deployment and its Service, one without probes, and one that ends now and then."""
    name = f"verify-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    restless = ["sh", "-c", "sleep 12; exit 7"]
    items = [
        deployment("web", **PROBES),
        service("web", "web"),
        deployment("bare"),
        deployment("restless", command=restless),
        service("nowhere", "web", port="metrics", target=9999),
        service("lost", "nobody"),
    ]
    kubectl("-n", name, "apply", "-f", "-", document={"apiVersion": "v1", "kind": "List", "items": items})
    kubectl("-n", name, "rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("-n", name, "rollout", "status", "deployment/bare", "--timeout=60s")
    # The controller that lists endpoints follows the Pods about a second later.
    second = "--for=jsonpath={.subsets[0].addresses[1].ip}"
    kubectl("-n", name, "wait", "endpoints/web", second, "--timeout=30s")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def verify(namespace: str, **inputs: str) -> Verified:
    command = [sys.executable, "-m", "aks_actions.cli", "verify", "--namespace", namespace, "--output", "json"]
    command += ["--kubeconfig", str(names.STATE / "kubeconfig")]
    command += [part for key, value in inputs.items() for part in (f"--{key.replace('_', '-')}", value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return Verified(done.returncode, json.loads(done.stdout or "{}"), done.stderr)


def test_a_healthy_workload_passes(shop: str) -> None:
    """Ready, probes, Service and stability are each checked and told, with the time that the answer took."""
    found = verify(shop, workloads="Deployment/web", services="web")
    assert found.code == 0, found.log
    assert found.outputs["healthy"] is True
    report = found.outputs["report"]
    assert report["workloads"][0]["progress"] == "2 of 2 updated, 2 available: ready"
    assert report["stability"] == [{"workload": "Deployment/web", "seconds": 10, "restarts": 0, "trouble": ""}]
    assert (report["services"][0]["status"], report["services"][0]["endpoints"]) == (200, 2)
    assert report["problems"] == []
    assert "Service/web answers 200 on /ok in" in found.log


def test_time_already_stable_counts(shop: str) -> None:
    """A workload that has been ready for longer than its window is not watched again."""
    time.sleep(12)
    begun = time.monotonic()
    assert verify(shop, workloads="web", services="web").code == 0
    assert time.monotonic() - begun < 4


def test_missing_probes_fail(shop: str) -> None:
    """Containers without probes are unhealthy, as every one of them can neither be waited for nor healed."""
    found = verify(shop, workloads="bare", stability="1s")
    assert found.code == 1
    assert found.outputs["healthy"] is False
    assert [finding["rule"] for finding in found.outputs["report"]["probes"]] == [
        "no-readiness-probe",
        "no-liveness-probe",
    ]


def test_missing_probes_may_be_allowed(shop: str) -> None:
    """Without `require-probes` they are only told."""
    found = verify(shop, workloads="bare", stability="1s", require_probes="false")
    assert found.code == 0, found.log
    assert "has no livenessProbe" in found.log


def test_a_restart_within_the_window_fails(shop: str) -> None:
    """A container that ends while it is watched is told with its exit code and its evidence."""
    found = verify(shop, workloads="restless", stability="40s", require_probes="false", timeout="90s")
    assert found.code == 1
    assert "exit code 7" in found.log


@pytest.mark.parametrize(
    ("services", "trouble"),
    [
        ("web/nope", "GET /nope on port http answers HTTP 404"),
        ("nowhere:metrics/", "GET / on port metrics answers HTTP 503"),
        ("lost", "no ready endpoint"),
    ],
)
def test_a_service_that_does_not_answer_fails(shop: str, services: str, trouble: str) -> None:
    """A wrong path, a wrong port and a selector that matches nothing are each told."""
    found = verify(shop, workloads="web", services=services)
    assert found.code == 1
    assert trouble in found.outputs["report"]["services"][0]["trouble"]


def test_another_image_fails(shop: str) -> None:
    """Pods that run another digest than the one expected are unhealthy."""
    found = verify(shop, workloads="web", services="web", images=f"busybox@{DIGEST}")
    assert found.code == 1
    assert {each["proof"] for each in found.outputs["report"]["images"]} == {"different"}


def test_the_image_is_proved(shop: str, kubectl: Kubectl) -> None:
    """The digest that the node reports proves the one that is expected."""
    path = "jsonpath={.items[0].status.containerStatuses[0].imageID}"
    running = kubectl("-n", shop, "get", "pods", "-l", "app=web", "-o", path)
    found = verify(shop, workloads="web", services="web", images=running)
    assert found.code == 0, found.log
    assert "2 of 2 containers proved to run their digest" in found.log


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({"workloads": "nobody"}, "has no Deployment/nobody"),
        ({"workloads": "CronJob/web"}, "workloads names a CronJob"),
        ({"workloads": "web", "services": "nobody"}, "has no Service nobody"),
        ({"workloads": "web", "services": "web:9"}, "has no TCP port '9'"),
        ({"workloads": "web", "stability": "soon"}, "stability is 'soon'"),
        ({"workloads": "web", "images": "busybox:stable"}, "images: busybox:stable has no digest"),
    ],
)
def test_wrong_inputs_are_told(shop: str, inputs: dict[str, str], what: str) -> None:
    """A mistake in the inputs ends with 2 and names the input."""
    found = verify(shop, **inputs)
    assert found.code == 2
    assert what in found.log


def test_an_empty_namespace_is_refused(namespace: str) -> None:
    """Nothing to verify is no success."""
    found = verify(namespace)
    assert found.code == 2
    assert "has no workload to verify" in found.log
