"""The verdict on one container of a pod, from its status and the events about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..probes.figures import Probe, missing_port, probe
from . import pulls
from .objects import Object, first_seen, last_seen, seconds, times
from .verdict import (
    CONFIG,
    PROBES,
    RESTARTS,
    Moment,
    Verdict,
    certain,
    explained,
    lasting,
    progressing,
    succeeded,
    trouble,
)

RETRIED = 15.0  # seconds within which the kubelet tries again to create a container of a waiting pod
CREATION = 20.0  # seconds; the runtime retries what may pass, such as a name still reserved
WRONG_ANSWER = 30.0  # seconds; an HTTP 4xx to a probe rarely turns to 200 while an application warms up
_SYNC = re.compile(r"failed to sync \S+ cache|timed out waiting for the condition", re.I)
_WRONG = re.compile(r"statuscode: 4(?!08|25|29)\d\d")


@dataclass(frozen=True)
class Container:
    """One container of a pod: spec, status (empty before the kubelet reports it) and the events about it."""

    pod: Object
    spec: dict[str, Any]
    status: dict[str, Any]
    events: tuple[Object, ...]
    runs_on: bool  # expected to run on: no init container that is to end, no container of a Job

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def restarts(self) -> int:
        return int(self.status.get("restartCount") or 0)

    @property
    def waiting(self) -> dict[str, Any]:
        return dict((self.status.get("state") or {}).get("waiting") or {})

    @property
    def running(self) -> dict[str, Any]:
        return dict((self.status.get("state") or {}).get("running") or {})

    @property
    def ended(self) -> dict[str, Any]:
        """How it ended last, now or before its restart."""
        now, before = self.status.get("state") or {}, self.status.get("lastState") or {}
        return dict(now.get("terminated") or before.get("terminated") or {})

    def told(self, reason: str, text: str = "") -> Object | None:
        """The latest event of this reason that has `text` in its message."""
        found = [e for e in self.events if e.get("reason") == reason and text.lower() in str(e.get("message")).lower()]
        return found[-1] if found else None


def containers(pod: Object, events: list[Object]) -> Iterator[Container]:
    """The pod's init containers, then its containers."""
    spec, status = pod["spec"], pod.get("status") or {}
    forever = spec.get("restartPolicy", "Always") == "Always"
    for field, states in (("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")):
        by_name = {s["name"]: s for s in status.get(states) or ()}
        for each in spec.get(field) or ():
            runs_on = each.get("restartPolicy") == "Always" if field == "initContainers" else forever
            path = f"spec.{field}{{{each['name']}}}"
            about = tuple(e for e in events if (e.get("involvedObject") or {}).get("fieldPath") == path)
            yield Container(pod, each, by_name.get(each["name"]) or {}, about, runs_on)


def judge(container: Container, at: Moment) -> Verdict:
    """SUCCEEDED where the container is ready, or has done its work; its trouble otherwise."""
    return replace(_judge(container, at), container=container.name)


def _judge(container: Container, at: Moment) -> Verdict:
    state = container.status.get("state") or {}
    for kind in ("startup", "readiness"):
        found = probe(container.spec, kind)
        if found is not None and (port := missing_port(container.spec, found)):
            return certain(
                trouble(
                    "ProbePortUnknown",
                    f"the {kind} probe asks port {port!r}, which the container does not name",
                    why="The kubelet can't resolve the port, so the probe never passes.",
                    remedy=f"Name a container port {port!r}, or give the probe the port's number.",
                )
            )
    if container.waiting:
        return _waiting(container, at)
    if "terminated" in state:
        if not container.runs_on and container.ended.get("exitCode") == 0:
            return succeeded("done")
        return _ended(container, at)
    if "running" in state:
        return _running(container, at)
    return progressing("to be created")


def _waiting(container: Container, at: Moment) -> Verdict:
    reason, message = str(container.waiting.get("reason", "")), str(container.waiting.get("message", ""))
    if reason in pulls.REASONS:
        return _pull(container, reason, message, at)
    if reason == "CrashLoopBackOff":
        return _ended(container, at)
    if reason == "CreateContainerConfigError":
        found = trouble(
            reason,
            message,
            why="The container's configuration names something that the cluster does not have.",
            remedy=config_remedy(message, str(container.pod["metadata"].get("namespace", ""))),
            since=_since(container, "Failed"),
        )
        # A pod from before this rollout shows the old answer until the kubelet tries again.
        patience = CONFIG if _scheduled(container.pod) >= at.started else CONFIG + RETRIED
        return explained(found) if _SYNC.search(message) else lasting(found, patience, at)
    if reason in ("CreateContainerError", "RunContainerError", "PreStartHookError", "PostStartHookError"):
        found = trouble(
            reason,
            message or str(container.ended.get("message", "")),
            why="The container runtime can't create or start the container.",
            remedy="Correct the container's command, mounts or security context as the message says.",
            since=_since(container, "Failed"),
        )
        return explained(found) if "deadline exceeded" in message.lower() else lasting(found, CREATION, at)
    return progressing(reason or "waiting")  # ContainerCreating, PodInitializing


def config_remedy(message: str, namespace: str) -> str:
    """What to do about a Secret or ConfigMap, or a key of it, that is missing."""
    if found := re.search(r"couldn't find key (\S+) in (Secret|ConfigMap) (\S+)", message, re.I):
        key, kind, name = found.groups()
        return f"Put the key {key.split('/')[-1]} into {kind} {name.split('/')[-1]}, or mark the reference optional."
    if found := re.search(r'\b(secret|configmap) "([^"]+)" not found', message, re.I):
        kind = "Secret" if found[1].lower() == "secret" else "ConfigMap"
        return f"Apply the {kind} {found[2].split('/')[-1]} to namespace {namespace}, or correct the reference to it."
    return "Correct the container's configuration as the message says."


def _pull(container: Container, reason: str, message: str, at: Moment) -> Verdict:
    # A back-off hides the cause; the events of the failed pulls keep it. Every failed pull has two: cause, "Error: …".
    failures = [e for e in container.events if e.get("reason") == "Failed" and "pull" in str(e.get("message")).lower()]
    causes = [e for e in failures if not str(e["message"]).startswith("Error:") and last_seen(e) >= at.started]
    if not causes and reason in ("ErrImagePull", "ImagePullBackOff") and _scheduled(container.pod) < at.started:
        return explained(trouble("ErrImagePull", message, why="It was not pulled again since this rollout began."))
    text = str(causes[-1]["message"]) if causes else message
    since = min(map(first_seen, causes), default=0.0) or _scheduled(container.pod)
    return pulls.judge(
        "ErrImagePull" if reason == "ImagePullBackOff" else reason,
        text,
        str(container.spec.get("image", "")),
        sum(map(times, causes)),
        since,
        at,
    )


def _ended(container: Container, at: Moment) -> Verdict:
    """A container that ended and should not have, or that failed."""
    ended = container.ended
    found = _why_ended(container)
    if container.restarts and found.reason == "StartupProbeFailed":
        return _startup(container, at)
    if container.pod["spec"].get("restartPolicy", "Always") != "Always":
        return explained(found)  # a Job's: its backoffLimit says how often it may end
    # An end from before this rollout may have had a cause that this rollout removes.
    if container.restarts >= RESTARTS and seconds(ended.get("finishedAt")) >= at.started:
        return lasting(found, 0, at)
    return explained(found)


def _why_ended(container: Container) -> Verdict:
    ended = container.ended
    code, reason = int(ended.get("exitCode") or 0), str(ended.get("reason") or "Error")
    often = f", {container.restarts} restart{'s' if container.restarts > 1 else ''}" if container.restarts else ""
    said = str(ended.get("message") or "").strip()
    message = f"exit code {code} ({reason}){often}" + (f": {said}" if said else "")
    since = seconds(ended.get("finishedAt"))
    if reason == "OOMKilled":
        limit = ((container.spec.get("resources") or {}).get("limits") or {}).get("memory", "its node's memory")
        return trouble(
            "OOMKilled",
            message,
            why=f"The container used more memory than it may have ({limit}).",
            remedy="Raise resources.limits.memory, or make the application use less.",
            since=since,
        )
    for kind in ("startup", "liveness"):
        if killed := container.told("Killing", f"{kind} probe"):
            last = container.told("Unhealthy", f"{kind} probe")
            return trouble(
                f"{kind.capitalize()}ProbeFailed",
                f"{(last or killed)['message']}{often}",
                why=f"The kubelet killed the container, since its {kind} probe failed.",
                remedy=probe_remedy(probe(container.spec, kind)),
                since=since,
            )
    if reason in ("StartError", "ContainerCannotRun"):
        why = "The container's command can't be started."
        remedy = "Correct `command` and `args`, or the image's entry point."
    elif code == 0:
        why = "The container's process ended by itself; in this workload it has to run for ever."
        remedy = "Make the process stay in the foreground, or use a Job."
    elif code in (137, 143):
        why = f"The container was killed by signal {code - 128}."
        remedy = "Look at its last log lines and its events below."
    else:
        why = "The container's process ends with an error soon after its start."
        remedy = "Look at its last log lines below."
    return trouble("CrashLoopBackOff" if container.restarts else reason, message, why=why, remedy=remedy, since=since)


def _running(container: Container, at: Moment) -> Verdict:
    if container.status.get("ready"):
        return succeeded("ready")
    startup = probe(container.spec, "startup")
    if startup is not None and not container.status.get("started"):
        if container.restarts and container.told("Killing", "startup probe"):
            return _startup(container, at)
        return progressing("starting")
    if not container.runs_on and probe(container.spec, "readiness") is None:
        return progressing("running")
    return _readiness(container, startup, at)


def _startup(container: Container, at: Moment) -> Verdict:
    """Killed by its startup probe at least once: the budget is spent, and trying again rarely helps."""
    startup = probe(container.spec, "startup")
    failing = [first_seen(e) for e in container.events if e.get("reason") == "Unhealthy"]
    found = replace(_why_ended(container), since=min(failing, default=0.0))
    return lasting(found, max(PROBES, float(startup.patience) if startup else 0.0), at)


def _readiness(container: Container, startup: Probe | None, at: Moment) -> Verdict:
    readiness = probe(container.spec, "readiness")
    if readiness is None:
        return progressing("running")
    since = seconds(container.running.get("startedAt"))
    own = float(readiness.patience + readiness.timeout)
    last = container.told("Unhealthy", "readiness probe")
    if last is None or last_seen(last) < since or at.now - since < own:
        return progressing("not ready yet")
    message = str(last["message"])
    found = trouble(
        "ReadinessProbeFailed",
        message,
        why="The container runs, and its readiness probe keeps failing.",
        remedy=probe_remedy(readiness),
        since=since,
    )
    if startup is not None:
        # The start-up budget is the user's own word for how long a start may take.
        return lasting(found, max(PROBES, own, float(startup.patience)), at)
    if _WRONG.search(message):
        return lasting(found, max(WRONG_ANSWER, own), at)
    # Without a startup probe a slow start looks the same: the Deployment's own progress deadline decides.
    return explained(replace(found, remedy=f"{found.remedy} A startupProbe would tell a slow start from a failure."))


def probe_remedy(found: Probe | None) -> str:
    if found is None:
        return "Look at the container's last log lines below."
    asks = {"httpGet": f"GET {found.path} on port {found.port}", "tcpSocket": f"connecting to port {found.port}"}
    return f"Make {asks.get(found.handler, f'the {found.handler} command')} succeed, or correct the {found.kind} probe."


def _since(container: Container, reason: str) -> float:
    """When the present trouble began, by its events; without events, when the pod was scheduled."""
    found = [first_seen(e) for e in container.events if e.get("reason") == reason]
    return min(found, default=0.0) or _scheduled(container.pod)


def _scheduled(pod: Object) -> float:
    return seconds((pod.get("status") or {}).get("startTime") or pod["metadata"].get("creationTimestamp"))
