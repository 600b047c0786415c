"""How a deploy that failed ends: back to what was live where that helps, and an exact account either way."""

from __future__ import annotations

from ...errors import Cancelled, DeadlineExceeded, Failure, InputError, RolloutFailed
from ...job import Job
from ...kube.client import Cluster
from ...plan.steps import runs_pods
from ...report.text import duration
from ...rollout.report import failure
from ..follow import follow
from . import restoring
from .applying import Account, workload


def ended(
    cluster: Cluster, account: Account, error: Failure, job: Job, *, rollback: bool, limit: float
) -> tuple[Failure, str]:
    """The failure to report and the action's result, `failed` or `rolled-back`.

    `limit` is how many seconds the old state may take to be healthy again.
    """
    told = account.told() or "nothing was written"
    # An InputError this late is an object that no dry run could check: what was written before it goes back too.
    by_rollout = isinstance(error, RolloutFailed | DeadlineExceeded | InputError)
    if not by_rollout or account.pending or account.unknown:
        error.why = "\n".join(filter(None, (error.why, told)))
    if not (by_rollout and rollback and (account.written or account.unknown)):
        return error, "failed"
    try:
        return error, _back(cluster, account, error, job, limit)
    except Cancelled as cancelled:
        cancelled.why = f"The rollout had failed, and going back was not finished.\n{error.what}\n{told}"
        return cancelled, "failed"
    except Failure as failed:
        error.why += f"\nGoing back was not finished: {failed.what}\n{told}"
        return error, "failed"


def _back(cluster: Cluster, account: Account, error: Failure, job: Job, limit: float) -> str:
    """Roll back, verify, and say in `error` how that went."""
    if obstacle := restoring.obstacle(account):
        error.why += f"\n{obstacle}: everything was left in place, to be looked at."
        return "failed"
    with job.log.phase("Rollback") as phase:
        phase.live(f"because {error.what}")
        restored = restoring.restore(cluster, account, job)
        phase.live(restored.told())
        workloads = [
            workload(account, step, restored.generations.get(step.path, 0))
            for step in account.steps
            if runs_pods(step) and step.live is not None
        ]
        report = follow(cluster, job, workloads, phase=phase, deadline=job.clock() + limit) if workloads else None
    for key, refusal in restored.refused:
        error.why += f"\nNot rolled back: {key}: {refusal.what}"
    if report is not None and not report.succeeded:
        error.why += f"\nThe rollback itself is not healthy: {failure(report).what}"
        return "failed"
    if not restored.complete:
        return "failed"
    error.why += f"\nRolled back in {duration(phase.seconds)}, verified."
    for outcome in report.outcomes if report else ():
        revision = f", as revision {outcome.revision}" if outcome.revision else ""
        error.why += f"\n{outcome.workload} is as it was before{revision}: {outcome.verdict.progress}"
    return "rolled-back"
