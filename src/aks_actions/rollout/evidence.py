"""Which events and which containers' logs explain a failure, and how they read. Fetching them is the caller's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from . import containers
from .deployments import new_replica_set
from .objects import Object, Objects, first_seen, last_seen, times, title
from .statefulsets import revision
from .verdict import Moment, Verdict
from .workloads import judged

LOG_LINES = 25
LOGS = 4  # containers whose logs are shown: replicas fail alike
EVENTS = 30
# What a healthy start reports too: no evidence of anything.
_ROUTINE = frozenset(
    {
        "Pulling",
        "Pulled",
        "Created",
        "Started",
        "Scheduled",
        "SuccessfulCreate",
        "SuccessfulDelete",
        "ScalingReplicaSet",
    }
)
# What differs between two events that say the same: generated names, UIDs, a quota's use, the recorder's own remark.
_RANDOM = re.compile(
    r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\(combined[^)]*\): |used: \S+"
)


@dataclass(frozen=True)
class LogRequest:
    """One container's log to fetch; `previous` is the run before its restart."""

    namespace: str
    pod: str
    container: str
    previous: bool

    @property
    def path(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.pod}/log"

    @property
    def query(self) -> dict[str, str | int | bool]:
        return {"container": self.container, "tailLines": LOG_LINES, "previous": self.previous}

    def __str__(self) -> str:
        return f"Pod/{self.pod}, container {self.container}" + (", before its restart" if self.previous else "")


def logs(found: Object, objects: Objects, verdict: Verdict, at: Moment) -> list[LogRequest]:
    """The logs worth reading: of containers that started and are not well, the blamed one's first."""
    requests: list[tuple[bool, LogRequest]] = []
    for pod in concerned(found, objects):
        for each in containers.containers(pod, objects.events(pod)):
            blamed = title(pod) == verdict.subject and each.name == verdict.container
            if each.status.get("containerID") and not containers.judge(each, at).succeeded:
                place = str(pod["metadata"].get("namespace", "")), str(pod["metadata"]["name"]), each.name
                requests.append((blamed, LogRequest(*place, previous=False)))
                # While it waits for its restart, the log is that of the run that ended.
                if each.restarts and each.running:
                    requests.append((blamed, LogRequest(*place, previous=True)))
    return [request for _, request in sorted(requests, key=lambda pair: not pair[0])][:LOGS]


def concerned(found: Object, objects: Objects) -> list[Object]:
    """The pods of the workload's newest revision; those that are not well first."""
    if found["kind"] == "Pod":
        return [found]
    if found["kind"] == "Deployment":
        newest = new_replica_set(found, objects)
        pods = objects.owned(newest, "Pod") if newest else []
    else:
        pods = objects.owned(found, "Pod")
        if found["kind"] == "StatefulSet":
            newest_hash = (found.get("status") or {}).get("updateRevision")
            pods = [pod for pod in pods if revision(pod) == newest_hash]
    moment = Moment(now=0)
    order = {id(pod): verdict.succeeded for pod, verdict in zip(pods, judged(pods, objects, moment), strict=True)}
    return sorted(pods, key=lambda pod: (order[id(pod)], pod["metadata"]["name"]))


def events(found: Object, objects: Objects, at: Moment) -> list[str]:
    """Events since the rollout began about the workload, its newest ReplicaSet and its pods; the same ones once."""
    about = [found, *concerned(found, objects)]
    if found["kind"] == "Deployment" and (newest := new_replica_set(found, objects)):
        about.insert(1, newest)
    merged: dict[tuple[str, str, str], list[Object]] = {}
    for each in about:
        for event in objects.events(each):
            if last_seen(event) >= at.started and event.get("reason") not in _ROUTINE:
                text = _RANDOM.sub("", str(event.get("message", "")).replace(str(each["metadata"]["name"]), ""))
                merged.setdefault((each["kind"], str(event.get("reason")), text), []).append(event)
    lines = [(min(map(first_seen, group)), _event(group)) for group in merged.values()]
    return [line for _, line in sorted(lines)][-EVENTS:]


def _event(group: list[Object]) -> str:
    event = group[0]
    subject = event.get("involvedObject") or {}
    count = sum(map(times, group))
    often = f" ×{count}" if count > 1 else ""
    moment = datetime.fromtimestamp(max(map(last_seen, group)), UTC)
    name = f"{subject.get('kind')}/{subject.get('name')}"
    return f"  {moment:%H:%M:%S}Z  {name}  {event.get('reason')}{often}: {event.get('message')}"


def text(found: Object, verdict: Verdict, told: Iterable[str], logged: Mapping[LogRequest, str]) -> str:
    """Events, then logs, as they are shown folded."""
    lines = [f"{title(found)}: {verdict.reason or verdict.progress}", "", "Events:", *(list(told) or ["  (none)"])]
    for request, log in logged.items():
        shown = [f"    {line}" for line in log.splitlines()] or ["    (empty)"]
        lines += ["", f"Last {LOG_LINES} lines of {request}:", *shown]
    if not logged:
        lines += ["", "Logs: none; no container that is not well has run."]
    return "\n".join(lines)
