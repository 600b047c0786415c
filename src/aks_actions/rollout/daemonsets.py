"""DaemonSet."""

from __future__ import annotations

import math

from .objects import Object, Objects, created
from .statefulsets import revision
from .verdict import Moment, Verdict, progressing, succeeded, unknown, unseen
from .workloads import alive, blamed, generation, judged, uncreated

_TEMPLATE = "deprecated.daemonset.template.generation"  # still the only mark of the newest revision on the object


def judge(found: Object, objects: Objects, at: Moment, awaited: int = 0) -> Verdict:
    """SUCCEEDED when every node that should run it has an available pod of the newest revision."""
    if behind := generation(found, awaited):
        return unseen(behind)
    status = found.get("status") or {}
    wanted = int(status.get("desiredNumberScheduled") or 0)
    updated, available = int(status.get("updatedNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    progress = f"{updated} of {wanted} updated, {available} available"
    strategy = found["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete" and updated < wanted:
        return unknown("OnDelete", f"{progress}; pods are replaced only when somebody deletes them (OnDelete)")
    pods = objects.owned(found, "Pod")
    new = _newest(found, alive(pods))
    verdicts = judged(new, objects, at)
    if updated >= wanted and available >= wanted:
        if sum(v.succeeded for v in verdicts) >= wanted:
            return succeeded(f"{progress}: ready")
        if not any(v.reason for v in verdicts):
            return progressing(progress)
    cause = blamed(verdicts, needed=min(wanted, _allowed(strategy, wanted)))
    if cause is None or not cause.failed:
        cause = uncreated(found, objects, at, ending=len(pods) > len(alive(pods))) or cause
    return (cause or progressing(progress)).within(progress)


def _newest(found: Object, pods: list[Object]) -> list[Object]:
    template = str((found["metadata"].get("annotations") or {}).get(_TEMPLATE, ""))
    labelled = [p for p in pods if (p["metadata"].get("labels") or {}).get("pod-template-generation") == template]
    if template and labelled:
        return labelled
    if not pods:
        return []
    last = revision(max(pods, key=created))
    return [p for p in pods if revision(p) == last]


def _allowed(strategy: Object, wanted: int) -> int:
    """maxUnavailable: as many broken pods stop a rolling update."""
    value = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
    if isinstance(value, str):
        return max(1, math.ceil(wanted * int(value.rstrip("%") or 0) / 100))
    return max(1, int(value))
