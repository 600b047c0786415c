"""What a verdict is, and how patient each kind of trouble is met."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """Where a workload stands. UNKNOWN is never success."""

    SUCCEEDED = "succeeded"
    PROGRESSING = "progressing"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Certainty(StrEnum):
    """How sure the verdict is. Trouble that may pass is explained while we wait (WAIT)."""

    CERTAIN = "certain"
    PROBABLE = "probable"
    WAIT = "wait"
    NONE = ""


# Seconds that trouble must last before it is a failure; below it, the trouble is only explained.
SEEN_TWICE = 2.0  # a registry that has denied a manifest and is still denied it
QUOTA = 5.0  # the ReplicaSet controller retries within it, and admission's quota cache settles
CONFIG = 8.0  # a Secret applied beside the workload has reached the node's cache by then
DENIED = 20.0  # role assignments need a while to spread
PROBES = 20.0  # never less than this for probes, however short their periods
NO_SCALE_UP = 60.0  # the autoscaler has said no, and may say so of one node group first
RESTARTS = 2  # a container that came back twice and ended again


@dataclass(frozen=True)
class Moment:
    """When a judgement is made, in epoch seconds of the cluster's clock.

    Trouble from before `started`, the beginning of this rollout, is not held against it: the cause may be gone by now.
    """

    now: float
    started: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The judgement of one object at one moment.

    `reason` is Kubernetes' own word where it has one, `message` the cause in the cluster's words; `why` and `remedy`
    explain it. `subject` is the object to blame, `Kind/name`. `progress` is what a reader follows. `since` is when the
    trouble began (epoch seconds).
    """

    status: Status
    certainty: Certainty = Certainty.NONE
    reason: str = ""
    message: str = ""
    container: str = ""
    subject: str = ""
    image: str = ""
    why: str = ""
    remedy: str = ""
    progress: str = ""
    since: float = 0.0

    @property
    def failed(self) -> bool:
        return self.status is Status.FAILED

    @property
    def succeeded(self) -> bool:
        return self.status is Status.SUCCEEDED

    @property
    def troubled(self) -> bool:
        """Not failed, but with something to explain."""
        return self.status is Status.PROGRESSING and self.certainty is Certainty.WAIT

    def within(self, progress: str) -> Verdict:
        """This verdict of a part as that of the whole, whose progress is `progress`."""
        return replace(self, progress=progress)


def succeeded(progress: str) -> Verdict:
    return Verdict(Status.SUCCEEDED, progress=progress)


def progressing(progress: str) -> Verdict:
    return Verdict(Status.PROGRESSING, progress=progress)


def unseen(message: str) -> Verdict:
    """The status does not speak of what was applied yet: nothing that a reader follows."""
    return Verdict(Status.PROGRESSING, message=message)


def unknown(reason: str, message: str) -> Verdict:
    return Verdict(Status.UNKNOWN, reason=reason, message=message, progress=message)


def certain(trouble: Verdict) -> Verdict:
    """A failure at once: waiting can't mend it."""
    return replace(trouble, status=Status.FAILED, certainty=Certainty.CERTAIN)


def explained(trouble: Verdict) -> Verdict:
    """Trouble that may pass: told, not failed."""
    return replace(trouble, status=Status.PROGRESSING, certainty=Certainty.WAIT)


def lasting(trouble: Verdict, patience: float, at: Moment, certainty: Certainty = Certainty.PROBABLE) -> Verdict:
    """A failure once `trouble` has lasted `patience` seconds within this rollout; until then only explained."""
    since = max(trouble.since, at.started)
    if since and at.now - since >= patience:
        return replace(trouble, status=Status.FAILED, certainty=certainty)
    return explained(trouble)


def trouble(
    reason: str, message: str, *, why: str = "", remedy: str = "", subject: str = "", since: float = 0.0
) -> Verdict:
    """Something is wrong; whether it is a failure yet is for `certain`, `lasting` or `explained` to say."""
    return Verdict(
        Status.PROGRESSING,
        Certainty.WAIT,
        reason,
        message,
        subject=subject,
        why=why,
        remedy=remedy,
        progress=message,
        since=since,
    )
