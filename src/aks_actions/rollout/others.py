"""Kinds without pods of their own, and kinds that nobody here knows, judged by their status."""

from __future__ import annotations

from dataclasses import replace

from .objects import Object, Objects, condition, is_true, title
from .verdict import Verdict, certain, explained, progressing, succeeded, trouble, unknown, unseen

# They are what they are as soon as the API server has them.
STATIC = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "CronJob",
        "EndpointSlice",
        "LimitRange",
        "NetworkPolicy",
        "PriorityClass",
        "ResourceQuota",
        "Role",
        "RoleBinding",
        "Secret",
        "ServiceAccount",
        "StorageClass",
    }
)


def judge(found: Object, objects: Objects, awaited: int = 0) -> Verdict:
    """An unknown kind is judged by its conditions; without any it is UNKNOWN, never a success."""
    if found["metadata"].get("deletionTimestamp"):
        return explained(trouble("Terminating", "the object is being deleted", subject=title(found)))
    kind = found["kind"]
    if kind in STATIC:
        return succeeded("exists")
    if kind == "Namespace":
        return succeeded("active") if _phase(found) == "Active" else progressing(_phase(found))
    if kind == "Service":
        return _service(found)
    if kind == "PersistentVolumeClaim":
        return _claim(found, objects)
    if kind == "CustomResourceDefinition":
        return _definition(found)
    return _by_conditions(found, awaited)


def _phase(found: Object) -> str:
    return str((found.get("status") or {}).get("phase", ""))


def _service(found: Object) -> Verdict:
    if found["spec"].get("type") != "LoadBalancer":
        return succeeded("exists")
    balancer = (found.get("status") or {}).get("loadBalancer") or {}
    if balancer.get("ingress"):
        return succeeded("has its address")
    return explained(trouble("NoAddress", "the load balancer has no address yet", subject=title(found)))


def _claim(found: Object, objects: Objects) -> Verdict:
    if _phase(found) == "Bound":
        return succeeded("bound")
    if _phase(found) == "Lost":
        return certain(trouble("Lost", "the claim's volume is gone", subject=title(found)))
    events = objects.events(found)
    message = str(events[-1].get("message", "")) if events else "not bound yet"
    reason = str(events[-1].get("reason", "Pending")) if events else "Pending"
    return explained(trouble(reason, message, subject=title(found)))


def _definition(found: Object) -> Verdict:
    if is_true(found, "Established"):
        return succeeded("established")
    names = condition(found, "NamesAccepted")
    if names is not None and names.get("status") == "False":
        return certain(
            trouble(
                str(names.get("reason", "NamesNotAccepted")),
                str(names.get("message", "")),
                why="Another CustomResourceDefinition has one of its names.",
                subject=title(found),
            )
        )
    return progressing("not established yet")


def _by_conditions(found: Object, awaited: int) -> Verdict:
    status = found.get("status") or {}
    observed = status.get("observedGeneration")
    if observed is not None and int(observed) < max(awaited, int(found["metadata"].get("generation") or 0)):
        return unseen("its controller has not seen the change yet")
    if is_true(found, "Stalled"):
        stalled = condition(found, "Stalled") or {}
        message = str(stalled.get("message", ""))
        return certain(trouble(str(stalled.get("reason", "Stalled")), message, subject=title(found)))
    for kind in ("Ready", "Available", "Established"):
        if state := condition(found, kind):
            if state.get("status") == "True":
                return succeeded(kind.lower())
            message = str(state.get("message") or f"{kind} is {state.get('status')}")
            waits = trouble(str(state.get("reason", kind)), message, subject=title(found))
            return explained(replace(waits, progress=message))
    return unknown("NoConditions", f"nothing in the status of {title(found)} tells whether it is well")
