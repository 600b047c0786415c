"""Watch ready workloads for as long as their own probes would need to restart them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ...errors import DeadlineExceeded
from ...job import Job, Phase
from ...kube.client import Cluster
from ...kube.watch import Watch
from ...probes.stability import Window, window
from ...rollout.containers import containers
from ...rollout.evidence import concerned
from ...rollout.judge import judge
from ...rollout.objects import Object, Objects, condition, is_true, seconds, title, uid
from ...rollout.report import Workload
from ...rollout.verdict import Moment
from ...rollout.workloads import alive
from ..follow import TICK, gathered, streams
from .workloads import template

FLAP = 3.0  # seconds for which a pod may be unready in the window: one missed readiness probe is no instability


@dataclass(frozen=True)
class Stability:
    """What was seen of one workload. `restarts` counts those of the current revision's pods, all of them."""

    workload: Workload
    window: Window
    restarts: int
    trouble: str = ""
    evidence: str = ""


def watch_restarts(
    cluster: Cluster, job: Job, live: Mapping[Workload, Object], asked: timedelta | None, phase: Phase, deadline: float
) -> list[Stability]:
    """Watch until each workload's window since it became ready is over, or a container of it has restarted.

    `asked` is the user's own window. Time that the pods have been ready for already counts.
    """
    windows = {w: window(template(found)) for w, found in live.items()}
    if asked is not None:
        windows = dict.fromkeys(windows, Window(asked.total_seconds(), f"{asked.total_seconds():g} s, as asked"))
    for workload, each in windows.items():
        phase.detail(f"{workload}: {each.explanation}")
    done: dict[Workload, Stability] = {}
    with Watch(cluster, streams(list(live))) as watch:
        listed(watch, job, deadline)
        seen = {w: _Seen(pods_of(w, watch.objects)) for w in live}
        while len(done) < len(live):
            for workload in live.keys() - done.keys():
                if result := _look(cluster, job, workload, windows[workload], seen[workload], watch.objects, deadline):
                    done[workload] = result
                    if result.trouble:
                        phase.live(f"{workload}: {result.trouble}")
            watch.update(TICK)
            job.check()
    return [done[workload] for workload in live]


def listed(watch: Watch, job: Job, deadline: float) -> None:
    """Wait for the first lists. Raises TransientError or DeadlineExceeded where they don't come by `deadline`."""
    while not watch.synced:
        watch.update(TICK)
        job.check()
        if job.clock() >= deadline:
            raise watch.trouble or DeadlineExceeded("the cluster did not list its objects within `timeout`")
    watch.update(0)


class _Seen:
    """How the pods were when the watch began."""

    def __init__(self, pods: Sequence[Object]) -> None:
        self.pods = {uid(pod): pod for pod in pods}
        self.restarts = {key: _restarts(pod) for key, pod in self.pods.items()}
        self.ready: set[str] = set()
        self.unready: dict[str, float] = {}


def _look(
    cluster: Cluster, job: Job, workload: Workload, period: Window, seen: _Seen, objects: Objects, deadline: float
) -> Stability | None:
    """The workload's result, once there is one."""
    pods = pods_of(workload, objects)
    restarts = sum(map(_restarts, pods))
    now = time.time() - cluster.ahead
    found = objects.get(workload.kind, workload.namespace, workload.name)
    if found is None:
        return Stability(workload, period, restarts, "it does not exist any more")
    at = Moment(now, now - period.seconds - 60)
    verdict = judge(found, objects, at)
    if trouble := _trouble(pods, seen, now):
        return Stability(workload, period, restarts, trouble, gathered(cluster, job, found, objects, verdict, at))
    # Without the verdict, no pods at all, as of a revision that has none yet, would look stable.
    if verdict.succeeded and now >= max(map(_ready_since, pods), default=0.0) + period.seconds:
        return Stability(workload, period, restarts)
    if job.clock() >= deadline:
        return Stability(workload, period, restarts, f"the window of {period.explanation} did not end within `timeout`")
    return None


def _trouble(pods: Sequence[Object], seen: _Seen, now: float) -> str:
    for pod in pods:
        before = seen.restarts.setdefault(uid(pod), 0)
        if _restarts(pod) > before:
            return f"{title(pod)} restarted: {_ends(pod)}"
        if is_true(pod, "Ready"):
            seen.ready.add(uid(pod))
            seen.unready.pop(uid(pod), None)
        elif uid(pod) in seen.ready and now - seen.unready.setdefault(uid(pod), now) > FLAP:
            return f"{title(pod)} is no longer ready"
    return ""


def pods_of(workload: Workload, objects: Objects) -> list[Object]:
    """The living pods of the workload's current revision."""
    found = objects.get(workload.kind, workload.namespace, workload.name)
    return alive(concerned(found, objects)) if found else []


def _restarts(pod: Object) -> int:
    return sum(each.restarts for each in containers(pod, []))


def _ready_since(pod: Object) -> float:
    return seconds((condition(pod, "Ready") or {}).get("lastTransitionTime"))


def _ends(pod: Object) -> str:
    return ", ".join(
        f"container {each.name} ended with exit code {each.ended.get('exitCode')} ({each.ended.get('reason')})"
        for each in containers(pod, [])
        if each.restarts and each.ended
    )
