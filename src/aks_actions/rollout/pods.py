"""The verdict on a Pod, alone or as part of a workload."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from . import containers
from .objects import Object, Objects, condition, first_seen, is_true, last_seen, seconds, title
from .verdict import (
    CONFIG,
    DENIED,
    NO_SCALE_UP,
    PROBES,
    Moment,
    Verdict,
    certain,
    explained,
    lasting,
    progressing,
    succeeded,
    trouble,
)

SETTLED = 5.0  # seconds that a container without a readiness probe must run: "ready" only means "started" there
# A Failed pod that its controller simply replaces: the node's doing, not the application's.
_REPLACED = frozenset(
    {
        "Evicted",
        "Preempting",
        "Shutdown",
        "NodeShutdown",
        "Terminated",
        "NodeLost",
        "NodeAffinity",
        "UnexpectedAdmissionError",
        "OutOfcpu",
        "OutOfmemory",
        "OutOfpods",
    }
)
_MISSING_VOLUME = re.compile(
    r'\b(secret|configmap) "[^"]+" not found|references non-existent (secret|config) key', re.I
)
_KEY_VAULT = re.compile(r"keyvault|key vault|secrets-store", re.I)
_REFUSED = re.compile(r"\b40[13]\b|forbidden|unauthorized|AADSTS", re.I)


def judge(pod: Object, objects: Objects, at: Moment) -> Verdict:
    """SUCCEEDED where the pod is Ready, or has ended well; its worst container's trouble otherwise."""
    return replace(_judge(pod, objects, at), subject=title(pod))


def _judge(pod: Object, objects: Objects, at: Moment) -> Verdict:
    status = pod.get("status") or {}
    events = objects.events(pod)
    if pod["metadata"].get("deletionTimestamp"):
        return progressing("terminating")
    if status.get("phase") == "Succeeded":
        return succeeded("completed")
    if status.get("phase") == "Failed" and str(status.get("reason")) in _REPLACED:
        return explained(trouble(str(status["reason"]), str(status.get("message", "")), why="The node ended the pod."))
    if (scheduled := condition(pod, "PodScheduled")) and scheduled.get("status") == "False":
        return _unscheduled(scheduled, events, at)
    verdicts = [containers.judge(c, at) for c in containers.containers(pod, events)]
    if status.get("phase") == "Failed":
        return certain(_worst(verdicts) or trouble(str(status.get("reason", "Failed")), str(status.get("message", ""))))
    if is_true(pod, "Ready"):
        return _settled(pod, at)
    worst = _worst(verdicts)
    if worst is not None and worst.reason:
        return worst
    if held := _not_started(events, at):
        return held
    if all(v.succeeded for v in verdicts):
        return _gated(pod)
    return progressing(next((v.progress for v in verdicts if not v.succeeded), "starting"))


def _worst(verdicts: Sequence[Verdict]) -> Verdict | None:
    return next((v for v in verdicts if v.failed), None) or next((v for v in verdicts if v.troubled), None)


def _unscheduled(scheduled: Object, events: list[Object], at: Moment) -> Verdict:
    found = trouble(
        str(scheduled.get("reason", "Unschedulable")),
        str(scheduled.get("message", "")),
        why="No node has room for the pod, or fits its constraints.",
        remedy="Add nodes or let the autoscaler do so, lower resources.requests, or relax selectors and affinity.",
        since=seconds(scheduled.get("lastTransitionTime")),
    )
    says = {e.get("reason"): e for e in events if last_seen(e) >= at.started}
    if "TriggeredScaleUp" in says:
        return explained(replace(found, message=f"{found.message} (the autoscaler adds a node)"))
    if refused := says.get("NotTriggerScaleUp"):
        found = replace(found, message=f"{found.message} (autoscaler: {refused.get('message', '')})")
        return lasting(found, NO_SCALE_UP, at)
    return explained(found)


def _not_started(events: list[Object], at: Moment) -> Verdict | None:
    """What keeps a scheduled pod's containers from being created: its volumes or its network."""
    recent = [e for e in events if last_seen(e) >= at.started]
    mounts = [e for e in recent if e.get("reason") == "FailedMount"]
    if mounts:
        message = str(mounts[-1].get("message", ""))
        found = trouble(
            "FailedMount", message, why="A volume of the pod can't be mounted.", since=min(map(first_seen, mounts))
        )
        if _MISSING_VOLUME.search(message):
            remedy = containers.config_remedy(message, str(mounts[-1]["metadata"].get("namespace", "")))
            return lasting(replace(found, remedy=remedy), CONFIG, at)
        if _KEY_VAULT.search(message) and _REFUSED.search(message):
            found = replace(
                found,
                why="Key Vault refuses the identity that the secrets-store CSI driver uses.",
                remedy="Give that identity the role `Key Vault Secrets User`, and name it in the SecretProviderClass.",
            )
            return lasting(found, DENIED, at)
        return explained(found)
    for reason, why in (
        ("FailedAttachVolume", "A volume can't be attached to the node yet."),
        ("FailedCreatePodSandBox", "The node can't make the pod's network or sandbox yet."),
    ):
        if event := next((e for e in reversed(recent) if e.get("reason") == reason), None):
            return explained(trouble(reason, str(event.get("message", "")), why=why, since=first_seen(event)))
    return None


def _gated(pod: Object) -> Verdict:
    for gate in pod["spec"].get("readinessGates") or ():
        if not is_true(pod, gate["conditionType"]):
            return explained(
                trouble(
                    "ReadinessGatesNotReady",
                    f"readiness gate {gate['conditionType']} is not True",
                    why="A controller outside the pod has yet to set this condition.",
                )
            )
    return progressing("to become ready")


def _settled(pod: Object, at: Moment) -> Verdict:
    """A crash loop is "ready" for a blink whenever a container without a readiness probe has just been started."""
    for each in containers.containers(pod, []):
        if not each.runs_on or each.spec.get("readinessProbe"):
            continue
        crashed = seconds(each.ended.get("finishedAt")) >= max(at.started, 1.0)
        needed = PROBES if crashed else SETTLED
        if at.now - seconds(each.running.get("startedAt")) < needed:
            return progressing("started, to prove that it stays (it has no readiness probe)")
    return succeeded("ready")
