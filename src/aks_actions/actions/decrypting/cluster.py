"""Secrets into a cluster: server-side apply by our field manager, checked by the server before the first write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...job import Job
from ...kube.client import Cluster
from ...manifests.objects import Manifest, fits, unique
from ...plan import steps as plans
from ...plan import trace
from ...plan.steps import Step
from .. import access
from ..access import Target
from ..deploying import applying, planning
from ..deploying.applying import Account


@dataclass(frozen=True)
class Planned:
    """What will be written where; nothing is yet."""

    cluster: Cluster
    steps: list[Step]
    force: bool


def plan(inputs: Target, job: Job, manifests: Sequence[Manifest], *, namespace: str, force: bool) -> Planned:
    """Raises InputError, AuthError, RolloutFailed, TransientError: what the server refuses, before any write."""
    unique(manifests)
    for manifest in manifests:
        fits(manifest)
    with job.log.phase("Credentials") as phase:
        cluster = access.cluster(inputs, job)
        phase.note = access.identity(inputs, cluster)
    with job.log.phase("Plan") as phase:
        context = job.context
        run = trace.of_run(context.repository, context.commit, context.run_url)
        steps = planning.plan(cluster, manifests, planning.Options(namespace or "default", force, run), job)
        phase.note = plans.headline(steps)
        for line in plans.lines(steps):
            phase.detail(line)
    return Planned(cluster, steps, force)


def apply(planned: Planned, job: Job) -> None:
    """Write what has changed. Raises Cancelled, RolloutFailed, InputError, AuthError, TransientError."""
    with job.log.phase("Apply") as phase:
        account = Account(planned.steps)
        applying.write(planned.cluster, account, planned.force, job, phase)
        phase.note = ", ".join(str(step.key) for step in account.written) or "nothing to write"
