"""Job."""

from __future__ import annotations

from dataclasses import replace

from .objects import Object, Objects, condition, is_true, title
from .verdict import Moment, Verdict, certain, explained, progressing, succeeded, trouble
from .workloads import alive, blamed, judged, uncreated


def judge(found: Object, objects: Objects, at: Moment) -> Verdict:
    """SUCCEEDED when it is complete: an unfinished Job is no success."""
    status = found.get("status") or {}
    wanted = int(found["spec"].get("completions") or found["spec"].get("parallelism") or 1)
    progress = f"{status.get('succeeded', 0)} of {wanted} completed, {status.get('failed', 0)} failed"
    if is_true(found, "Complete"):
        return succeeded(f"{progress}: complete")
    pods = objects.owned(found, "Pod")
    if is_true(found, "Failed"):
        return _failed(found, pods, objects, at).within(progress)
    if is_true(found, "Suspended"):
        return explained(
            trouble("Suspended", "the Job is suspended", remedy="Set spec.suspend to false.", subject=title(found))
        ).within(progress)
    running = alive(pods)
    cause = blamed(judged(running, objects, at), needed=len(running), kind="its")
    if cause is None or not cause.failed:
        cause = uncreated(found, objects, at, ending=False) or cause
    return (cause or progressing(progress)).within(progress)


def _failed(found: Object, pods: list[Object], objects: Objects, at: Moment) -> Verdict:
    state = condition(found, "Failed") or {}
    verdict = trouble(
        str(state.get("reason", "Failed")),
        str(state.get("message", "")),
        why="The Job has failed and is not tried again.",
        remedy="Look at its pods' last log lines below.",
        subject=title(found),
    )
    bad = next((v for v in judged(pods, objects, at) if v.failed), None)
    if bad is not None:
        verdict = replace(verdict, message=f"{verdict.message}; {bad.subject}: {bad.message}", container=bad.container)
    return certain(verdict)
