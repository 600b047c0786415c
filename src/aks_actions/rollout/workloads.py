"""What Deployment, StatefulSet and DaemonSet have in common: pods of the new revision, and pods that can't be made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from . import pods
from .objects import Object, Objects, condition, first_seen, last_seen, seconds, title
from .verdict import QUOTA, Moment, Verdict, explained, lasting, trouble

RECENT = 30.0  # seconds: controllers try a refused creation again within it, at least in a rollout's first minutes
_TRANSIENT = re.compile(r"failed calling webhook|deadline exceeded|timed? ?out|connection refused|internal error", re.I)
# What refuses a pod's creation → why, and what to do.
_REFUSALS = (
    (
        re.compile(r"exceeded quota|must specify (limits|requests|cpu|memory)|failed quota", re.I),
        "The namespace's ResourceQuota does not allow the new pods.",
        "Raise the quota, lower the pods' resources or replicas, or let the rollout remove a pod first (maxSurge: 0).",
    ),
    (
        re.compile(r"violates PodSecurity|pod security", re.I),
        "The namespace's Pod Security level forbids the pods.",
        "Give the pod the securityContext that the message asks for.",
    ),
    (
        re.compile(r"serviceaccount .*not found|service account", re.I),
        "The pods' ServiceAccount does not exist.",
        "Apply the ServiceAccount, or correct serviceAccountName.",
    ),
    (
        re.compile(r"admission webhook|denied the request|denied request", re.I),
        "An admission policy of the cluster forbids the pods.",
        "Change the pod template as the message says, or ask the policy's owner.",
    ),
)


def generation(found: Object, awaited: int) -> str:
    """What is still missing before the object's status speaks of what was applied; empty where it does."""
    current = int(found["metadata"].get("generation") or 0)
    if current < awaited:
        return "the change is not visible yet"
    if int((found.get("status") or {}).get("observedGeneration") or 0) < max(current, awaited):
        return "its controller has not seen the change yet"
    return ""


def alive(found: Sequence[Object]) -> list[Object]:
    """Without pods that are on their way out, or that their node ended and a new one replaces."""
    return [
        pod
        for pod in found
        if not pod["metadata"].get("deletionTimestamp") and (pod.get("status") or {}).get("phase") != "Failed"
    ]


def judged(found: Sequence[Object], objects: Objects, at: Moment) -> list[Verdict]:
    return [pods.judge(pod, objects, at) for pod in found]


def blamed(verdicts: Sequence[Verdict], needed: int, kind: str = "new") -> Verdict | None:
    """The failure of a group of pods once at least `needed` of them have failed; otherwise what there is to explain."""
    failed = [v for v in verdicts if v.failed]
    troubled = failed + [v for v in verdicts if v.troubled]
    if not troubled:
        return None
    worst = troubled[0]
    same = sum(v.reason == worst.reason for v in verdicts)
    worst = replace(worst, message=f"{worst.message} ({same} of {len(verdicts)} {kind} pods)")
    return worst if len(failed) >= max(1, needed) else explained(worst)


def uncreated(owner: Object, objects: Objects, at: Moment, ending: bool) -> Verdict | None:
    """Pods that the API server refuses to `owner`. While other pods end (`ending`), room may still be made."""
    found = _refusal(owner, objects, at)
    if found is None:
        return None
    for pattern, why, remedy in _REFUSALS:
        if pattern.search(found.message):
            found = replace(found, why=why, remedy=remedy)
            break
    if ending or _TRANSIENT.search(found.message):
        return explained(found)
    return lasting(found, QUOTA, at)


def _refusal(owner: Object, objects: Objects, at: Moment) -> Verdict | None:
    failure = condition(owner, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        return trouble(
            str(failure.get("reason", "FailedCreate")),
            str(failure.get("message", "")),
            subject=title(owner),
            since=seconds(failure.get("lastTransitionTime")),
        )
    # StatefulSets, DaemonSets and Jobs have no such condition: their events tell.
    refused = [e for e in objects.events(owner) if e.get("reason") == "FailedCreate" and last_seen(e) >= at.started]
    if not refused or at.now - last_seen(refused[-1]) > RECENT:
        return None
    return trouble(
        "FailedCreate",
        str(refused[-1].get("message", "")),
        subject=title(owner),
        since=min(map(first_seen, refused)),
    )
