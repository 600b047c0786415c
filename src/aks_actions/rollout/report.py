"""What came of a rollout: an outcome for each workload, with the evidence that was there when it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DeadlineExceeded, Failure, Location, RolloutFailed, TransientError
from .images import Running
from .verdict import Status, Verdict


@dataclass(frozen=True)
class Workload:
    """What to follow. `generation` is the one that the apply answered; `location` is where its manifest is written."""

    kind: str
    namespace: str
    name: str
    generation: int = 0
    location: Location | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class Outcome:
    """How one workload ended. `seconds` counts from the beginning of the wait; `serving` is what still answers.

    `running` is what the containers of a workload that is well really run, where its template names a digest.
    """

    workload: Workload
    verdict: Verdict
    seconds: float
    revision: str = ""
    serving: str = ""
    evidence: str = ""
    running: tuple[Running, ...] = ()


@dataclass(frozen=True)
class RolloutReport:
    """All workloads' outcomes. `trouble` is why the API server could not be read when the time ran out."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    timed_out: bool = False
    trouble: TransientError | None = None

    @property
    def succeeded(self) -> bool:
        """Every workload is known to be well; UNKNOWN is not."""
        return all(outcome.verdict.succeeded for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.verdict.failed)

    @property
    def unfinished(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.verdict.status is Status.PROGRESSING)

    @property
    def unknown(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.verdict.status is Status.UNKNOWN)


def failure(report: RolloutReport) -> Failure:
    """The error to raise for a report that is no success: the rollout's failure, or our own timeout."""
    if report.failed:
        return _rollout_failed(report)
    if report.trouble is not None:
        return report.trouble
    return _timed_out(report)


def _rollout_failed(report: RolloutReport) -> RolloutFailed:
    first = report.failed[0]
    verdict = first.verdict
    revision = f"revision {first.revision}" if first.revision else "the new revision"
    blamed = f"container {verdict.container} of {verdict.subject}" if verdict.container else verdict.subject
    why = [f"{blamed}: {verdict.message}" if blamed not in ("", str(first.workload)) else verdict.message]
    if verdict.image:
        why.append(f"image {verdict.image}")
    why += [line for line in (verdict.why, first.serving and f"Still serving: {first.serving}.") if line]
    why += [f"{o.workload} failed too: {o.verdict.reason}, {o.verdict.message}" for o in report.failed[1:]]
    return RolloutFailed(
        f"{first.workload}: {revision} is not healthy: {verdict.reason} "
        f"({verdict.certainty}, after {first.seconds:.1f} s)",
        why="\n".join(why),
        do=verdict.remedy,
        at=first.workload.location,
        details=_details(report.failed),
    )


def _timed_out(report: RolloutReport) -> Failure:
    left = report.unfinished
    if not left:  # only workloads that nobody can judge
        return RolloutFailed(
            f"nobody can tell whether {_names(report.unknown)} is healthy",
            why="\n".join(f"{o.workload}: {o.verdict.message}" for o in report.unknown),
            at=report.unknown[0].workload.location if report.unknown else None,
        )
    lines = [_standing(outcome) for outcome in left]
    remedies = dict.fromkeys(o.verdict.remedy for o in left if o.verdict.remedy)
    return DeadlineExceeded(
        f"{_names(left)} did not become ready within our timeout ({report.seconds:.0f} s)",
        why="\n".join(lines),
        do="\n".join([*remedies, "Or raise `timeout`: the cluster itself has not given up."]),
        at=left[0].workload.location,
        details=_details(left),
    )


def _standing(outcome: Outcome) -> str:
    verdict = outcome.verdict
    explanation = f"; {verdict.reason}: {verdict.message}" if verdict.reason else ""
    serving = f"; still serving: {outcome.serving}" if outcome.serving else ""
    return f"{outcome.workload}: {verdict.progress or verdict.message}{explanation}{serving}"


def _details(outcomes: Sequence[Outcome]) -> str:
    return "\n\n".join(outcome.evidence for outcome in outcomes if outcome.evidence)


def _names(outcomes: Sequence[Outcome]) -> str:
    shown = [str(outcome.workload) for outcome in outcomes[:3]]
    more = len(outcomes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
