"""StatefulSet."""

from __future__ import annotations

from dataclasses import replace

from .objects import Object, Objects
from .verdict import Moment, Verdict, explained, progressing, succeeded, trouble, unknown, unseen
from .workloads import alive, blamed, generation, judged, uncreated

HASH = "controller-revision-hash"


def judge(found: Object, objects: Objects, at: Moment, awaited: int = 0) -> Verdict:
    """SUCCEEDED when every pod that the strategy replaces is of the update revision, and all are available."""
    if behind := generation(found, awaited):
        return unseen(behind)
    spec, status = found["spec"], found.get("status") or {}
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    strategy = spec.get("updateStrategy") or {}
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    to_update = max(0, wanted - partition)
    pods = objects.owned(found, "Pod")
    new = [p for p in alive(pods) if revision(p) == status.get("updateRevision")]
    available = int(status.get("availableReplicas") or 0)
    progress = f"{min(len(new), wanted)} of {to_update} updated, {available} available"
    if strategy.get("type") == "OnDelete" and len(new) < wanted:
        return unknown("OnDelete", f"{progress}; pods are replaced only when somebody deletes them (OnDelete)")
    verdicts = judged(new, objects, at)
    if len(new) >= to_update and available >= wanted and len(alive(pods)) >= wanted:
        if all(v.succeeded for v in verdicts):
            return succeeded(f"{progress}: ready")
        if not any(v.reason for v in verdicts):
            return progressing(progress)
    cause = blamed(verdicts, needed=1)
    if cause is None or not cause.failed:
        cause = uncreated(found, objects, at, ending=len(pods) > len(alive(pods))) or cause
    if cause is None:
        cause = _blocked(pods, status, objects, at)
    return (cause or progressing(progress)).within(progress)


def _blocked(pods: list[Object], status: Object, objects: Objects, at: Moment) -> Verdict | None:
    """An older revision's pod that never became ready: the controller waits for it for ever (kubernetes #67250)."""
    old = [p for p in alive(pods) if revision(p) != status.get("updateRevision")]
    stuck = next((v for v in judged(old, objects, at) if v.failed), None)
    if stuck is None:
        return None
    found = trouble(
        stuck.reason,
        f"{stuck.subject} of an older revision is broken, and the StatefulSet waits for it: {stuck.message}",
        why="A StatefulSet replaces no pod before the ones in order are ready, not even a broken one.",
        remedy=f"kubectl delete {stuck.subject.replace('Pod/', 'pod ')}",
        subject=stuck.subject,
    )
    return explained(replace(found, container=stuck.container))


def revision(pod: Object) -> str:
    return str((pod["metadata"].get("labels") or {}).get(HASH, ""))
