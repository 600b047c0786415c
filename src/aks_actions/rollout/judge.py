"""Which file judges which kind."""

from __future__ import annotations

from collections.abc import Callable

from . import daemonsets, deployments, jobs, others, pods, statefulsets
from .objects import Object, Objects
from .verdict import Moment, Verdict

# (object, what is known beside it, when, the generation to wait for) → verdict
Judge = Callable[[Object, Objects, Moment, int], Verdict]

_JUDGES: dict[str, Judge] = {
    "DaemonSet": daemonsets.judge,
    "Deployment": deployments.judge,
    "Job": lambda found, objects, at, _: jobs.judge(found, objects, at),
    "Pod": lambda found, objects, at, _: pods.judge(found, objects, at),
    "ReplicaSet": deployments.judge_replica_set,
    "StatefulSet": statefulsets.judge,
}

# Kinds that run pods: what a rollout waits for.
WORKLOADS = frozenset(_JUDGES)


def judge(found: Object, objects: Objects, at: Moment, generation: int = 0) -> Verdict:
    """The verdict on any object. `generation` is the one that an apply answered; an older status proves nothing."""
    known = _JUDGES.get(found["kind"])
    return known(found, objects, at, generation) if known else others.judge(found, objects, generation)
