"""Deployment and ReplicaSet."""

from __future__ import annotations

from dataclasses import replace

from .objects import Object, Objects, condition, created, seconds, title
from .verdict import Certainty, Moment, Status, Verdict, certain, progressing, succeeded, trouble, unseen
from .workloads import alive, blamed, generation, judged, uncreated

REVISION = "deployment.kubernetes.io/revision"


def judge(found: Object, objects: Objects, at: Moment, awaited: int = 0) -> Verdict:
    """SUCCEEDED when only pods of the newest revision are left, all available; old ones that serve don't count."""
    if behind := generation(found, awaited):
        return unseen(behind)
    status = found.get("status") or {}
    wanted = _replicas(found)
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    old = int(status.get("replicas") or 0) - updated
    progress = f"{updated} of {wanted} updated, {available} available" + (f", {old} old" if old > 0 else "")
    if found["spec"].get("paused"):
        return certain(
            trouble(
                "Paused",
                "the Deployment is paused",
                why="spec.paused is true, so its controller starts no rollout.",
                remedy=f"kubectl rollout resume deployment/{found['metadata']['name']}, or set spec.paused to false.",
                subject=title(found),
            )
        ).within(progress)
    newest = new_replica_set(found, objects)
    if newest is None:
        return succeeded(progress) if wanted == 0 else progressing(progress)
    new = alive(objects.owned(newest, "Pod"))
    verdicts = judged(new, objects, at)
    ready = sum(v.succeeded for v in verdicts)
    if updated >= wanted and old <= 0 and available >= wanted:
        if ready >= wanted:
            return succeeded(f"{progress}: ready")
        if all(v.succeeded or not v.reason for v in verdicts):
            return progressing(next((v.progress for v in verdicts if not v.succeeded), progress)).within(progress)
    ending = any(pod["metadata"].get("deletionTimestamp") for pod in _all_pods(found, objects))
    starting = any(not v.succeeded and not v.reason for v in verdicts)
    cause = blamed(verdicts, needed=len(new))
    if cause is None or not cause.failed:
        cause = uncreated(newest, objects, at, ending or starting) or cause
    if cause is not None and cause.failed:
        return cause.within(progress)
    if late := _late(found, cause, at):
        return late.within(progress)
    return (cause or progressing(progress)).within(progress)


def _late(found: Object, cause: Verdict | None, at: Moment) -> Verdict | None:
    """The controller itself has given up: no progress in progressDeadlineSeconds."""
    state = condition(found, "Progressing") or {}
    since = seconds(state.get("lastUpdateTime") or state.get("lastTransitionTime"))
    if state.get("reason") != "ProgressDeadlineExceeded" or since < at.started:  # of a rollout before this one
        return None
    if cause is not None:
        return replace(cause, status=Status.FAILED, certainty=Certainty.CERTAIN)
    return certain(
        trouble(
            "ProgressDeadlineExceeded",
            str(state.get("message", "")),
            why="The Deployment made no progress within its progressDeadlineSeconds.",
            remedy="Look at its pods' events below.",
            subject=title(found),
        )
    )


def judge_replica_set(found: Object, objects: Objects, at: Moment, awaited: int = 0) -> Verdict:
    """A ReplicaSet, bare or a Deployment's."""
    if behind := generation(found, awaited):
        return unseen(behind)
    wanted, available = _replicas(found), int((found.get("status") or {}).get("availableReplicas") or 0)
    progress = f"{available} of {wanted} available"
    new = alive(objects.owned(found, "Pod"))
    verdicts = judged(new, objects, at)
    if available >= wanted and sum(v.succeeded for v in verdicts) >= wanted:
        return succeeded(progress)
    cause = blamed(verdicts, needed=len(new), kind="its")
    if cause is None or not cause.failed:
        ending = len(objects.owned(found, "Pod")) > len(new)
        cause = uncreated(found, objects, at, ending) or cause
    return (cause or progressing(progress)).within(progress)


def new_replica_set(found: Object, objects: Objects) -> Object | None:
    """The Deployment's newest ReplicaSet: its own, with the revision that the controller wrote on the Deployment."""
    own = objects.owned(found, "ReplicaSet")
    wanted = revision(found)
    same = [rs for rs in own if wanted and revision(rs) == wanted]
    return max(same, key=created, default=None)


def revision(found: Object) -> str:
    return str((found["metadata"].get("annotations") or {}).get(REVISION, ""))


def _replicas(found: Object) -> int:
    wanted = found["spec"].get("replicas")
    return 1 if wanted is None else int(wanted)


def _all_pods(found: Object, objects: Objects) -> list[Object]:
    return [pod for rs in objects.owned(found, "ReplicaSet") for pod in objects.owned(rs, "Pod")]
