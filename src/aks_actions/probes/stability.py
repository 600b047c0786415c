"""How long a workload must be watched before "no restarts" means anything.

A container that hangs right after its start-up is killed by its liveness probe at the latest after
failureThreshold × period + timeout, plus the grace that it is given to end. A shorter watch can't see it.
The start-up itself is not estimated: the window is counted from the moment at which the pod became ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .figures import grace, probe

SHORTEST = 10  # seconds; also for containers without a liveness probe, which can still crash
LONGEST = 180  # seconds; nobody waits longer for a proof in a pipeline


@dataclass(frozen=True)
class Window:
    """Seconds from readiness, and how they came about."""

    seconds: float
    explanation: str


def window(template: Mapping[str, Any]) -> Window:
    """The stability window of a pod template: that of its slowest container."""
    found = [_of(container, template["spec"]) for container in template["spec"]["containers"]]
    return max(found, key=lambda each: each.seconds)


def _of(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Window:
    liveness = probe(container, "liveness")
    if liveness is None:
        return Window(SHORTEST, f"{SHORTEST} s, since container {container['name']} has no liveness probe")
    ends = grace(pod, liveness)
    seconds = liveness.delay + liveness.detects + ends
    delay = f"delay {liveness.delay} + " if liveness.delay else ""
    text = (
        f"{seconds} s = {delay}liveness {liveness.failures} × {liveness.interval} + {liveness.timeout} + grace {ends}"
    )
    if seconds > LONGEST:
        return Window(LONGEST, f"{LONGEST} s (cut; {text})")
    return Window(max(seconds, SHORTEST), text if seconds >= SHORTEST else f"{SHORTEST} s (at least; {text})")
