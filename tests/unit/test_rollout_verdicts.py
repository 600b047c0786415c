"""One fixture a verdict: objects as a cluster has them, and what is to be said of the first of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aks_actions.rollout.judge import judge
from aks_actions.rollout.objects import Object, Objects, seconds
from aks_actions.rollout.verdict import Moment, Verdict

FIXTURES = Path(__file__).parent / "fixtures" / "rollout"


def load(name: str) -> list[Object]:
    return list(yaml.safe_load_all((FIXTURES / f"{name}.yaml").read_text()))


def at(clock: str, started: str = "12:32:08") -> Moment:
    """A moment of the day on which the fixtures were recorded."""
    return Moment(seconds(f"2026-11-23T{clock}Z"), seconds(f"2026-11-23T{started}Z"))


def verdict(name: str, clock: str, generation: int = 0) -> Verdict:
    objects = load(name)
    return judge(objects[0], Objects(objects), at(clock), generation)


# fixture, time of day → status, certainty, reason, container
TABLE = [
    ("deployment-ready", "12:32:58", "succeeded", "", "", ""),
    ("deployment-starting", "12:32:14", "progressing", "", "", ""),
    ("deployment-not-observed", "12:32:14", "progressing", "", "", ""),
    ("deployment-scaled-to-zero", "12:32:14", "succeeded", "", "", ""),
    ("deployment-paused", "12:32:14", "failed", "certain", "Paused", ""),
    ("deployment-crashed-once", "12:32:19", "progressing", "wait", "Error", "web"),
    ("deployment-crash-loop", "12:32:58", "failed", "probable", "CrashLoopBackOff", "web"),
    ("deployment-init-crash-loop", "12:32:58", "failed", "probable", "CrashLoopBackOff", "migrate"),
    ("deployment-command-not-found", "12:32:58", "failed", "probable", "CrashLoopBackOff", "web"),
    ("deployment-oom-killed", "12:32:58", "failed", "probable", "OOMKilled", "web"),
    ("deployment-one-of-two-crashing", "12:32:58", "progressing", "wait", "CrashLoopBackOff", "web"),
    ("deployment-liveness-killed", "12:32:58", "failed", "probable", "LivenessProbeFailed", "web"),
    ("deployment-readiness-failing", "12:32:58", "failed", "probable", "ReadinessProbeFailed", "web"),
    ("deployment-startup-killed", "12:32:43", "failed", "probable", "StartupProbeFailed", "web"),
    ("deployment-probe-port-unknown", "12:32:24", "failed", "certain", "ProbePortUnknown", "web"),
    ("deployment-image-missing", "12:32:13", "progressing", "wait", "ErrImagePull", "web"),
    ("deployment-image-missing", "12:32:15", "failed", "certain", "ErrImagePull", "web"),
    ("deployment-image-name-invalid", "12:32:24", "failed", "certain", "InvalidImageName", "web"),
    ("deployment-registry-unresolvable", "12:32:30", "progressing", "wait", "ErrImagePull", "web"),
    ("deployment-registry-unresolvable", "12:32:58", "failed", "probable", "ErrImagePull", "web"),
    ("deployment-secret-missing", "12:32:19", "progressing", "wait", "CreateContainerConfigError", "web"),
    ("deployment-secret-missing", "12:32:24", "failed", "probable", "CreateContainerConfigError", "web"),
    ("deployment-volume-secret-missing", "12:32:24", "failed", "probable", "FailedMount", ""),
    ("deployment-quota-exceeded", "12:32:14", "progressing", "wait", "FailedCreate", ""),
    ("deployment-quota-exceeded", "12:32:24", "failed", "probable", "FailedCreate", ""),
    ("deployment-quota-full-while-old-pods-end", "12:32:40", "progressing", "wait", "FailedCreate", ""),
    ("deployment-webhook-denies", "12:32:40", "failed", "probable", "FailedCreate", ""),
    ("deployment-unschedulable", "12:33:58", "progressing", "wait", "Unschedulable", ""),
    ("deployment-old-healthy-new-stuck", "12:32:15", "failed", "certain", "ErrImagePull", "web"),
    ("deployment-progress-deadline-exceeded", "12:33:00", "failed", "certain", "ProgressDeadlineExceeded", ""),
    ("pod-image-denied", "12:32:20", "progressing", "wait", "ErrImagePull", "web"),
    ("pod-image-denied", "12:32:35", "failed", "probable", "ErrImagePull", "web"),
    ("pod-image-no-platform", "12:32:13", "failed", "certain", "ErrImagePull", "web"),
    ("pod-image-rate-limited", "12:40:00", "progressing", "wait", "ErrImagePull", "web"),
    ("pod-image-registry-down", "12:40:00", "progressing", "wait", "ErrImagePull", "web"),
    ("pod-config-cache-unsynced", "12:40:00", "progressing", "wait", "CreateContainerConfigError", "web"),
    ("pod-evicted", "12:32:20", "progressing", "wait", "Evicted", ""),
    ("pod-failed", "12:32:20", "failed", "certain", "Error", "web"),
    ("pod-terminating", "12:32:20", "progressing", "", "", ""),
    ("pod-just-started-without-readiness", "12:32:12", "progressing", "", "", ""),
    ("pod-just-started-without-readiness", "12:32:17", "succeeded", "", "", ""),
    ("pod-readiness-gate-closed", "12:32:20", "progressing", "wait", "ReadinessGatesNotReady", ""),
    ("pod-unschedulable-no-scale-up", "12:32:50", "progressing", "wait", "Unschedulable", ""),
    ("pod-unschedulable-no-scale-up", "12:33:20", "failed", "probable", "Unschedulable", ""),
    ("pod-unschedulable-scaling-up", "12:40:00", "progressing", "wait", "Unschedulable", ""),
    ("pod-key-vault-denied", "12:32:40", "failed", "probable", "FailedMount", ""),
    ("pod-sandbox-failing", "12:32:40", "progressing", "wait", "FailedCreatePodSandBox", ""),
    ("pod-slow-start-within-budget", "12:33:05", "progressing", "", "", ""),
    ("pod-readiness-failing-without-startup-probe", "12:40:00", "progressing", "wait", "ReadinessProbeFailed", "web"),
    ("statefulset-ready", "12:32:58", "succeeded", "", "", ""),
    ("statefulset-crash-loop", "12:32:58", "failed", "probable", "CrashLoopBackOff", "web"),
    ("statefulset-blocked-by-old-broken-pod", "12:32:40", "progressing", "wait", "CrashLoopBackOff", "web"),
    ("statefulset-on-delete", "12:32:40", "unknown", "", "OnDelete", ""),
    ("statefulset-quota-exceeded", "12:32:31", "failed", "probable", "FailedCreate", ""),
    ("daemonset-ready", "12:32:58", "succeeded", "", "", ""),
    ("daemonset-crash-loop", "12:32:58", "failed", "probable", "CrashLoopBackOff", "web"),
    ("job-complete", "12:32:58", "succeeded", "", "", ""),
    ("job-failed", "12:32:58", "failed", "certain", "BackoffLimitExceeded", "job"),
    ("job-running", "12:32:58", "progressing", "", "", ""),
    ("job-retrying", "12:32:58", "progressing", "wait", "CrashLoopBackOff", "web"),
    ("job-suspended", "12:32:58", "progressing", "wait", "Suspended", ""),
    ("customresourcedefinition-established", "12:32:58", "succeeded", "", "", ""),
    ("customresourcedefinition-names-conflict", "12:32:58", "failed", "certain", "ListKindConflict", ""),
    ("customresource-ready", "12:32:58", "succeeded", "", "", ""),
    ("customresource-not-observed", "12:32:58", "progressing", "", "", ""),
    ("customresource-stalled", "12:32:58", "failed", "certain", "BadInput", ""),
    ("customresource-without-conditions", "12:32:58", "unknown", "", "NoConditions", ""),
    ("service-clusterip", "12:32:58", "succeeded", "", "", ""),
    ("service-loadbalancer-pending", "12:32:58", "progressing", "wait", "NoAddress", ""),
    ("persistentvolumeclaim-bound", "12:32:58", "succeeded", "", "", ""),
    ("persistentvolumeclaim-lost", "12:32:58", "failed", "certain", "Lost", ""),
    ("namespace-terminating", "12:32:58", "progressing", "wait", "Terminating", ""),
]


@pytest.mark.parametrize(("name", "clock", "status", "certainty", "reason", "container"), TABLE)
def test_verdict(name: str, clock: str, status: str, certainty: str, reason: str, container: str) -> None:
    """Each fixture gets its verdict, at the time at which it is due and not before."""
    found = verdict(name, clock)
    assert (found.status, found.certainty, found.reason, found.container) == (status, certainty, reason, container)


def test_every_fixture_is_judged() -> None:
    """No fixture lies about unused."""
    assert {path.stem for path in FIXTURES.glob("*.yaml")} == {row[0] for row in TABLE}


@pytest.mark.parametrize("name", sorted({row[0] for row in TABLE if row[2] == "failed"}))
def test_failures_explain_themselves(name: str) -> None:
    """Every failure names the object to blame and says something about the cause."""
    rows = [row for row in TABLE if row[0] == name and row[2] == "failed"]
    found = verdict(name, rows[0][1])
    assert "/" in found.subject
    assert found.message


@pytest.mark.parametrize(
    ("name", "clock", "remedy"),
    [
        ("deployment-image-missing", "12:32:15", "`digest` output of actions/build"),
        ("pod-image-denied", "12:32:35", "--attach-acr registry"),
        ("pod-key-vault-denied", "12:32:40", "Key Vault Secrets User"),
        ("deployment-secret-missing", "12:32:24", "Apply the Secret nope to namespace shop"),
        ("deployment-volume-secret-missing", "12:32:24", "Apply the Secret nope to namespace shop"),
        ("deployment-quota-exceeded", "12:32:24", "Raise the quota"),
        ("deployment-oom-killed", "12:32:58", "resources.limits.memory"),
        ("deployment-readiness-failing", "12:32:58", "GET /nope on port http"),
        ("deployment-startup-killed", "12:32:43", "correct the startup probe"),
        ("deployment-webhook-denies", "12:32:40", "policy's owner"),
        ("statefulset-blocked-by-old-broken-pod", "12:32:40", "kubectl delete pod db-1"),
    ],
)
def test_remedies(name: str, clock: str, remedy: str) -> None:
    """A known cause comes with what to do about it."""
    assert remedy in verdict(name, clock).remedy


def test_applied_generation_is_awaited() -> None:
    """A status that is older than the apply proves nothing, however healthy it looks."""
    assert verdict("deployment-ready", "12:32:58", generation=2).status == "progressing"


@pytest.mark.parametrize(
    ("name", "clock"),
    [
        ("deployment-crash-loop", "12:32:58"),
        ("deployment-secret-missing", "12:32:50"),
        ("deployment-image-missing", "12:32:30"),
    ],
)
def test_trouble_from_before_is_not_held_against_a_rollout(name: str, clock: str) -> None:
    """What failed before this rollout began is only explained: the rollout may have removed the cause."""
    objects = load(name)
    found = judge(objects[0], Objects(objects), at(clock, started=clock))
    assert found.status == "progressing"


@pytest.mark.parametrize("name", ["deployment-image-missing", "deployment-progress-deadline-exceeded"])
def test_old_trouble_does_not_fail_a_run_again_a_little_later_either(name: str) -> None:
    """A pod that nobody has tried again yet, or a deadline that passed before, says nothing of this rollout."""
    objects = load(name)
    found = judge(objects[0], Objects(objects), at("12:59:30", started="12:59:08"))
    assert found.status == "progressing"


def test_old_pods_are_not_counted() -> None:
    """Two available pods of the old revision are no success of the new one."""
    found = verdict("deployment-old-healthy-new-stuck", "12:32:15")
    assert found.progress == "1 of 2 updated, 2 available, 2 old"


def test_a_wrapped_cause_is_unwrapped() -> None:
    """The message is the registry's own word, without what the node's runtime puts around it."""
    found = verdict("pod-image-denied", "12:32:35")
    assert found.message.startswith("failed to authorize: ")
