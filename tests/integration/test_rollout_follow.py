"""Rollouts that go well and that break, on a real cluster: verdict, class, time to verdict, evidence."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from aks_actions.actions.follow import RolloutReport, Workload, failure, follow
from aks_actions.errors import Cancelled, Failure
from aks_actions.job import Job
from aks_actions.kube.client import APPLY, Cluster
from aks_actions.kube.config import connect, load
from local import names

Kubectl = Callable[..., str]
Object = dict[str, Any]

SECRET = "hunter2-is-no-password"
SERVER = ["sh", "-c", f"echo token {SECRET}; mkdir /tmp/w; echo ok > /tmp/w/ok; exec httpd -f -p 8080 -h /tmp/w"]
MISSING = f"{names.REGISTRY}/nobody-pushed-this@sha256:{'d' * 64}"


def http(path: str, **figures: int) -> Object:
    return {"httpGet": {"path": path, "port": 8080}, **figures}


PROBES = {
    "startupProbe": http("/ok", periodSeconds=1, failureThreshold=20),
    "readinessProbe": http("/ok", periodSeconds=1, failureThreshold=2),
    "livenessProbe": http("/ok", periodSeconds=3),
}


def deployment(name: str, pod: Object | None = None, **container: Any) -> Object:
    resources = {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "32Mi"}}
    each = {"name": "web", "image": "busybox:stable", "command": SERVER, "resources": resources, **container}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [each], **(pod or {})},
            },
        },
    }


def init(command: str) -> Object:
    limits = {"resources": {"limits": {"memory": "16Mi"}}}
    return {
        "initContainers": [{"name": "migrate", "image": "busybox:stable", "command": ["sh", "-c", command], **limits}]
    }


BROKEN = {
    "image": deployment("image", image=MISSING),
    "crash": deployment("crash", command=["sh", "-c", f"echo connecting with {SECRET}; exit 3"]),
    "readiness": deployment("readiness", **{**PROBES, "readinessProbe": http("/no", periodSeconds=1)}),
    "startup": deployment("startup", **{**PROBES, "startupProbe": http("/no", periodSeconds=1, failureThreshold=5)}),
    "secret": deployment("secret", envFrom=[{"secretRef": {"name": "nobody-made-this"}}]),
    "volume": deployment(
        "volume",
        {"volumes": [{"name": "s", "secret": {"secretName": "nobody-made-this"}}]},
        volumeMounts=[{"name": "s", "mountPath": "/s"}],
    ),
    "quota": deployment("quota", resources={"limits": {"memory": "900Gi"}}),
    "init": deployment("init", init("echo migrating; exit 4"), **PROBES),
    "memory": deployment("memory", command=["sh", "-c", "a=x; while true; do a=$a$a; done"]),
}
# what it is → certainty, reason, container, the longest time to the verdict in seconds
VERDICTS = {
    "image": ("certain", "ErrImagePull", "web", 8),
    "crash": ("probable", "CrashLoopBackOff", "web", 35),
    "readiness": ("probable", "ReadinessProbeFailed", "web", 35),
    "startup": ("probable", "StartupProbeFailed", "web", 40),
    "secret": ("probable", "CreateContainerConfigError", "web", 20),
    "volume": ("probable", "FailedMount", "", 20),
    "quota": ("probable", "FailedCreate", "", 12),
    "init": ("probable", "CrashLoopBackOff", "migrate", 35),
    "memory": ("probable", "OOMKilled", "web", 35),
}


@dataclass
class Followed:
    """One rollout that was followed to its end, and what was printed."""

    report: RolloutReport
    log: str
    lag: float = 0.0

    @property
    def failure(self) -> Failure:
        return failure(self.report)


@pytest.fixture(scope="module")
def cluster(world: None) -> Cluster:
    return connect(load(names.STATE / "kubeconfig"))


@pytest.fixture(scope="module")
def room(kubectl: Kubectl) -> Iterator[str]:
    """A namespace with a quota that nothing reasonable exceeds."""
    name = f"rollout-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("-n", name, "create", "quota", "memory", "--hard=limits.memory=8Gi")
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def apply(cluster: Cluster, namespace: str, wanted: Object) -> Workload:
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    path = f"/apis/apps/v1/namespaces/{namespace}/{kind.lower()}s/{name}"
    query = {"fieldManager": "test", "force": True}
    status, found = cluster.request("PATCH", path, query=query, body=wanted, content_type=APPLY)
    assert status in (200, 201), found
    return Workload(kind, namespace, name, found["metadata"]["generation"])


def rolled(
    cluster: Cluster, namespace: str, wanted: Object, timeout: float = 90, reader: Cluster | None = None
) -> Followed:
    """Apply `wanted`, and follow it as `reader`."""
    stream = io.StringIO()
    job = Job({}, stream)
    job.mask(SECRET)
    started = time.time()
    workload = apply(cluster, namespace, wanted)
    with job.log.phase("Rollout") as phase:
        report = follow(
            reader or cluster, job, [workload], phase=phase, deadline=job.clock() + timeout, started=started
        )
    return Followed(report, stream.getvalue())


@pytest.fixture(scope="module")
def broken(cluster: Cluster, room: str) -> dict[str, Followed]:
    """Everything that can break, broken at the same time."""
    with ThreadPoolExecutor(len(BROKEN)) as pool:
        done = {name: pool.submit(rolled, cluster, room, wanted) for name, wanted in BROKEN.items()}
        return {name: each.result() for name, each in done.items()}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_rollout_gets_its_verdict_soon(broken: dict[str, Followed], name: str) -> None:
    """Each way to break is recognized, in its class, naming the container, within seconds."""
    certainty, reason, container, within = VERDICTS[name]
    (outcome,) = broken[name].report.outcomes
    verdict = outcome.verdict
    assert (verdict.status, verdict.certainty, verdict.reason) == ("failed", certainty, reason)
    assert verdict.container == container
    assert outcome.seconds < within
    assert verdict.remedy


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("image", "Failed ×"),
        ("crash", "BackOff"),
        ("readiness", "Unhealthy"),
        ("startup", "Killing"),
        ("secret", 'Error: secret "nobody-made-this" not found'),
        ("volume", "FailedMount"),
        ("quota", "FailedCreate"),
    ],
)
def test_evidence_holds_the_events(broken: dict[str, Followed], name: str, event: str) -> None:
    """The events that led to the verdict are among the evidence."""
    assert event in broken[name].failure.details


@pytest.mark.parametrize(("name", "line"), [("crash", "connecting with ***"), ("init", "migrating")])
def test_evidence_holds_the_logs(broken: dict[str, Followed], name: str, line: str) -> None:
    """The last lines of the container that failed are among the evidence, without what was masked."""
    assert line in broken[name].failure.details
    assert SECRET not in broken[name].failure.details + broken[name].log


def test_an_image_that_never_ran_has_no_logs(broken: dict[str, Followed]) -> None:
    """Where no container has run, that is said."""
    assert "Logs: none" in broken["image"].failure.details


@pytest.fixture
def reader(room: str, kubectl: Kubectl) -> Cluster:
    """The cluster as an identity that may read workloads, and neither events nor logs."""
    kubectl("-n", room, "create", "serviceaccount", "reader")
    verbs, kinds = "--verb=get,list,watch", "--resource=pods,deployments.apps,replicasets.apps"
    kubectl("-n", room, "create", "role", "reader", verbs, kinds)
    kubectl("-n", room, "create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={room}:reader")
    config = load(names.STATE / "kubeconfig")
    for user in config["users"]:
        user["user"] = {"token": kubectl("-n", room, "create", "token", "reader").strip()}
    return connect(config)


def test_missing_evidence_hides_no_verdict(cluster: Cluster, reader: Cluster, room: str) -> None:
    """Without permission on events and logs the verdict is the same, and both gaps are told."""
    followed = rolled(cluster, room, deployment("unseen", command=["sh", "-c", "exit 3"]), reader=reader)
    assert "not healthy: CrashLoopBackOff" in followed.failure.what
    assert followed.failure.exit_code == 1
    assert "can't be read" in followed.failure.details
    assert "! Events can't be read" in followed.log


def test_success_is_told_at_once(cluster: Cluster, room: str, kubectl: Kubectl) -> None:
    """Success is reported within half a second of the moment at which the API shows it."""
    wanted = deployment("good", **PROBES)
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(rolled, cluster, room, wanted)
        path = f"/apis/apps/v1/namespaces/{room}/deployments/good"
        while ((cluster.get(path) or {}).get("status") or {}).get("availableReplicas", 0) < 2:
            time.sleep(0.01)
        shown = time.monotonic()
        report = following.result().report
    assert time.monotonic() - shown < 0.5
    assert report.succeeded
    assert report.outcomes[0].revision == "1"


def test_old_pods_that_serve_are_no_success(cluster: Cluster, room: str) -> None:
    """An update that can't start fails, and what still serves is told."""
    wanted = deployment("update", **PROBES)
    assert rolled(cluster, room, wanted).report.succeeded
    wanted["spec"]["template"]["spec"]["containers"][0]["image"] = MISSING
    followed = rolled(cluster, room, wanted)
    assert followed.failure.exit_code == 1
    assert "revision 2 is not healthy: ErrImagePull (certain" in followed.failure.what
    assert "Still serving: revision 1, 2 ready pods." in followed.failure.why


def test_a_slow_start_is_no_failure(cluster: Cluster, room: str) -> None:
    """A start-up that fails its probe for long, but within its budget, is waited for."""
    slow = ["sh", "-c", "sleep 25; mkdir /tmp/w; echo ok > /tmp/w/ok; exec httpd -f -p 8080 -h /tmp/w"]
    probes = {**PROBES, "startupProbe": http("/ok", periodSeconds=1, failureThreshold=60)}
    assert rolled(cluster, room, deployment("slow", command=slow, **probes)).report.succeeded


def test_our_timeout_is_another_failure(cluster: Cluster, room: str) -> None:
    """Pods for which there is no node are waited for and explained; then our own timeout is told as such."""
    wanted = deployment("unschedulable", resources={"requests": {"cpu": "900"}, "limits": {"memory": "16Mi"}})
    followed = rolled(cluster, room, wanted, timeout=4)
    assert followed.report.timed_out
    assert followed.failure.exit_code == 5
    assert "waiting: Unschedulable: 0/1 nodes are available" in followed.log
    assert "Insufficient cpu" in followed.failure.why


def test_a_workload_that_is_not_there_fails(cluster: Cluster, room: str) -> None:
    """What does not exist when everything was listed is not waited for until the timeout."""
    job = Job({}, io.StringIO())
    with job.log.phase("Rollout") as phase:
        gone = Workload("Deployment", room, "nobody")
        report = follow(cluster, job, [gone], phase=phase, deadline=job.clock() + 60)
    assert [(o.verdict.status, o.verdict.reason) for o in report.outcomes] == [("failed", "NotFound")]
    assert report.seconds < 10


def test_clocks_may_differ(cluster: Cluster, room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose clock is two minutes off judges by the cluster's time."""
    real = time.time
    for name, minutes in (("slow-clock", -2), ("fast-clock", 2)):
        monkeypatch.setattr(time, "time", lambda minutes=minutes: real() + 60 * minutes)
        secret = deployment(name, envFrom=[{"secretRef": {"name": "nobody-made-this"}}])
        (outcome,) = rolled(cluster, room, secret, timeout=40).report.outcomes
        assert outcome.verdict.reason == "CreateContainerConfigError"
        assert 6 <= outcome.seconds < 20


def test_a_cancelled_wait_ends_at_once(cluster: Cluster, room: str) -> None:
    """A cancellation is raised within a second, however long the rollout would take."""
    job = Job({}, io.StringIO())
    workload = apply(cluster, room, deployment("cancelled", resources={"requests": {"cpu": "900"}}))
    with job.log.phase("Rollout") as phase, ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow, cluster, job, [workload], phase=phase, deadline=job.clock() + 60)
        time.sleep(1)
        cancelled = time.monotonic()
        job.cancel(15)
        with pytest.raises(Cancelled):
            following.result()
    assert time.monotonic() - cancelled < 1
