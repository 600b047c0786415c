"""Rules for the probes of a pod template: the relations between them matter, more than any single figure.

Comparable rules: kube-score `pod-probes` and `pod-probes-identical`, kube-linter `liveness-port` and
`no-readiness-probe`, polaris `livenessProbeMissing`, popeye 102–105.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .figures import Probe, grace, missing_port, probe

LONG_RECOVERY = 120  # seconds from a hang to the kill above which we warn

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One rule that a container breaks. An error is one that keeps Kubernetes from healing the workload."""

    rule: str
    severity: Severity
    container: str
    message: str
    remedy: str


def lint(template: Mapping[str, Any]) -> list[Finding]:
    """All findings of a pod template (`spec.template` of a workload), in the containers' order."""
    spec = template["spec"]
    sidecars = [c for c in spec.get("initContainers") or () if c.get("restartPolicy") == "Always"]
    return [finding for each in (*spec["containers"], *sidecars) for finding in _lint(each, spec, each in sidecars)]


def _lint(container: Mapping[str, Any], pod: Mapping[str, Any], sidecar: bool) -> Iterator[Finding]:
    name = str(container["name"])
    startup, readiness, liveness = (probe(container, kind) for kind in ("startup", "readiness", "liveness"))
    if not sidecar:  # a mesh's or an agent's sidecar is somebody else's
        yield from _missing(name, readiness, liveness)
    for found in filter(None, (startup, readiness, liveness)):
        yield from _single(name, container, found)
    if liveness is not None:
        yield from _liveness(name, pod, liveness, startup)
    if readiness is not None and liveness is not None:
        yield from _relation(name, readiness, liveness)


def _missing(name: str, readiness: Probe | None, liveness: Probe | None) -> Iterator[Finding]:
    if readiness is None:
        yield Finding(
            "no-readiness-probe",
            "error",
            name,
            "has no readinessProbe: traffic reaches it before it can answer, and every rollout looks successful",
            "Add a readinessProbe that answers only when the container can serve.",
        )
    if liveness is None:
        yield Finding(
            "no-liveness-probe",
            "error",
            name,
            "has no livenessProbe: a process that hangs is never restarted",
            "Add a livenessProbe that needs nothing outside of the container.",
        )


def _single(name: str, container: Mapping[str, Any], found: Probe) -> Iterator[Finding]:
    if port := missing_port(container, found):
        yield Finding(
            "probe-port-unknown",
            "error",
            name,
            f"its {found.kind}Probe asks port {port!r}, which the container does not name: the probe never passes",
            f"Name a container port {port!r}, or give the probe the port's number.",
        )
    if not found.handler:
        yield Finding(
            "probe-without-handler",
            "error",
            name,
            f"its {found.kind}Probe has no handler",
            "Give it httpGet, tcpSocket, exec or grpc.",
        )
    declared = {port.get("containerPort") for port in container.get("ports") or ()}
    if isinstance(found.port, int) and declared and found.port not in declared:
        yield Finding(
            "probe-port-undeclared",
            "warning",
            name,
            f"its {found.kind}Probe asks port {found.port}, which is none of its containerPorts",
            "Use the name of a container port, so that the two can't drift apart.",
        )
    # A start-up probe is asked often on purpose, and is over once it has passed.
    if found.kind != "startup" and found.timeout > found.period:
        yield Finding(
            "probe-timeout-exceeds-period",
            "warning",
            name,
            f"its {found.kind}Probe may take {found.timeout} s, and is asked every {found.period} s",
            "Make timeoutSeconds at most periodSeconds.",
        )


def _liveness(name: str, pod: Mapping[str, Any], liveness: Probe, startup: Probe | None) -> Iterator[Finding]:
    if startup is None and liveness.delay == 0:
        yield Finding(
            "liveness-without-startup",
            "warning",
            name,
            f"is killed when it needs more than {liveness.patience} s to start",
            "Add a startupProbe that gives the start-up its own budget.",
        )
    worst = liveness.detects + grace(pod, liveness)
    if worst > LONG_RECOVERY:
        yield Finding(
            "slow-recovery",
            "warning",
            name,
            f"is killed up to {worst} s after it hangs",
            "Lower the livenessProbe's figures, or give it a terminationGracePeriodSeconds of its own.",
        )


def _relation(name: str, readiness: Probe, liveness: Probe) -> Iterator[Finding]:
    out, killed = readiness.failures * readiness.interval, liveness.failures * liveness.interval
    if out >= killed:
        yield Finding(
            "liveness-before-readiness",
            "warning",
            name,
            f"is killed after {killed} s of failures, and leaves its Service only after {out} s",
            "Let readiness fail first: fewer failures or a shorter period than liveness.",
        )
