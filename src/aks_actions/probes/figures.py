"""A probe's figures and what follows from them: when the kubelet notices, and when it acts.

Defaults are those of the Kubernetes API (v1.Probe); timings are those of the kubelet's prober.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_GRACE = 30  # seconds: terminationGracePeriodSeconds of a pod that gives none


@dataclass(frozen=True)
class Probe:
    """A probe of a container; all durations in seconds."""

    kind: str  # startup, readiness or liveness
    handler: str  # httpGet, tcpSocket, exec or grpc
    port: int | str | None
    path: str
    delay: int
    period: int
    timeout: int
    failures: int
    grace: int | None

    @property
    def interval(self) -> int:
        """Seconds between two tries that hang: the next one waits for the last."""
        return max(self.period, self.timeout)

    @property
    def patience(self) -> int:
        """Seconds after a container's start in which it may fail without consequence: what its author asked for."""
        return self.delay + self.failures * self.period

    @property
    def detects(self) -> int:
        """At worst, seconds from a hang to the probe's verdict."""
        return self.failures * self.interval + self.timeout


def probe(container: Mapping[str, Any], kind: str) -> Probe | None:
    """The `kind` probe of a container's spec, with Kubernetes' defaults filled in; None where there is none."""
    spec = container.get(f"{kind}Probe")
    if not spec:
        return None
    handler = next((name for name in ("httpGet", "tcpSocket", "exec", "grpc") if spec.get(name) is not None), "")
    action = spec.get(handler) or {}
    return Probe(
        kind=kind,
        handler=handler,
        port=action.get("port"),
        path=str(action.get("path") or "/") if handler == "httpGet" else "",
        delay=int(spec.get("initialDelaySeconds") or 0),
        period=int(spec.get("periodSeconds") or 10),
        timeout=int(spec.get("timeoutSeconds") or 1),
        failures=int(spec.get("failureThreshold") or 3),
        grace=spec.get("terminationGracePeriodSeconds"),
    )


def grace(pod_spec: Mapping[str, Any], liveness: Probe | None) -> int:
    """Seconds that a container which fails its liveness probe may take to end."""
    if liveness is not None and liveness.grace is not None:
        return liveness.grace
    own = pod_spec.get("terminationGracePeriodSeconds")
    return DEFAULT_GRACE if own is None else int(own)


def missing_port(container: Mapping[str, Any], found: Probe) -> str:
    """The port's name where no port of the container has it: the probe then never passes; empty where all is well."""
    if not isinstance(found.port, str) or found.port.isdigit():
        return ""
    names = {port.get("name") for port in container.get("ports") or ()}
    return "" if found.port in names else found.port
