"""deploy-aks: manifests to a cluster by server-side apply, the rollout watched, and back again where it fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from ..errors import Failure
from ..inputs import Items, Lines, Secret
from ..job import Job
from ..kube.client import Cluster
from ..manifests.images import replaced, replacements
from ..manifests.objects import Manifest
from ..manifests.pods import images as images_of
from ..plan import steps as plans
from ..plan import trace
from ..plan.steps import Does, Step
from ..report.text import duration
from ..rollout.report import RolloutReport, failure
from . import access
from .deploying import applying, ending, planning, sources, telling
from .deploying.applying import Account
from .follow import follow
from .keys import Given
from .secrets import Sealed, decrypted

ROLLBACK_LIMIT = 300.0  # seconds to wait for the old state to be healthy again, where `timeout` is longer


@dataclass(frozen=True)
class Inputs:
    """See actions/deploy-aks/action.yml."""

    manifests: Items
    images: Lines
    namespace: str
    resource_group: str
    cluster_name: str
    subscription_id: str
    tenant_id: str
    client_id: str
    kubeconfig: str
    context: str
    allow_exec: Lines
    age_key: Secret
    pgp_key: Secret
    pgp_passphrase: Secret
    vault_address: str
    vault_token: Secret
    timeout: timedelta
    force: bool
    rollback: bool
    dry_run: bool


@dataclass(frozen=True)
class Outputs:
    """See actions/deploy-aks/action.yml."""

    result: str
    changed: list[str]
    applied: list[str]
    images: list[str]
    revision: dict[str, str]


def run(inputs: Inputs, job: Job) -> Outputs:
    """Deploy. Nothing is written before the last of the phases that only read has ended."""
    with job.log.phase("Credentials") as phase:
        cluster = access.cluster(inputs, job)
        phase.note = access.identity(inputs, cluster)
    with job.log.phase("Manifests") as phase:
        read = sources.read(inputs.manifests, _decrypt(inputs, job))
        manifests = _with_images(inputs, job, read.manifests)
        phase.note = _manifests_note(read)
    with job.log.phase("Plan") as phase:
        options = planning.Options(inputs.namespace, inputs.force, _trace(job))
        steps = planning.plan(cluster, manifests, options, job)
        phase.note = plans.headline(steps)
        for line in plans.lines(steps):
            phase.detail(line)
    if inputs.dry_run:
        return _dry_run(steps, job)
    account = Account(steps)
    try:
        with job.log.phase("Apply") as phase:
            applying.write(cluster, account, inputs.force, job, phase)
            phase.note = _apply_note(account)
        report = _rollout(cluster, account, inputs.timeout.total_seconds(), job)
        if not report.succeeded:
            raise failure(report)
    except Failure as error:
        raise _ended(cluster, inputs, account, error, job) from None
    return _succeeded(account, report, job)


def _decrypt(inputs: Inputs, job: Job) -> sources.Decrypt:
    def decrypt(files: Sequence[Sealed]) -> list[bytes]:
        return [plain.emit() for plain in decrypted(job, files, Given.of(inputs))]

    return decrypt


def _with_images(inputs: Inputs, job: Job, manifests: list[Manifest]) -> list[Manifest]:
    wanted = replacements(inputs.images)
    if any(not replacement.image.digest for replacement in wanted):
        from .deploying.digests import pinned

        wanted = pinned(wanted, job, inputs.tenant_id, inputs.client_id)
    return replaced(manifests, wanted)


def _trace(job: Job) -> dict[str, str]:
    return trace.of_run(job.context.repository, job.context.commit, job.context.run_url)


def _manifests_note(read: sources.Read) -> str:
    note = f"{_count(len(read.manifests), 'object')} from {_count(read.files, 'file')}"
    note += f", {read.encrypted} decrypted (SOPS, MAC verified)" if read.encrypted else ""
    return note + (f", {read.left} with objects left encrypted, as annotated" if read.left else "")


def _apply_note(account: Account) -> str:
    written = account.written
    if not written:
        return "nothing to write"
    return f"{_count(len(written), 'object')} in {_count(len(plans.by_wave(written)), 'wave')}"


def _rollout(cluster: Cluster, account: Account, timeout: float, job: Job) -> RolloutReport:
    # All of the set, changed or not: a workload that did not change may be broken all the same.
    workloads = [applying.workload(account, step) for step in account.steps if plans.runs_pods(step)]
    if not workloads:
        return RolloutReport((), 0.0)
    with job.log.phase("Rollout") as phase:
        phase.note = ", ".join(map(str, workloads)) if len(workloads) <= 3 else _count(len(workloads), "workload")
        deadline = job.clock() + timeout
        return follow(cluster, job, workloads, phase=phase, deadline=deadline, started=account.begun)


def _succeeded(account: Account, report: RolloutReport, job: Job) -> Outputs:
    workloads = [str(outcome.workload) for outcome in report.outcomes]
    if not workloads:
        what = f"{_count(len(account.steps), 'object')} applied"
    elif len(workloads) > 3:
        what = f"{len(workloads)} workloads are healthy"
    else:
        what = f"{', '.join(workloads)} {'is' if len(workloads) == 1 else 'are'} healthy"
    title = f"✔ {what}. {duration(job.clock() - job.started)} in all."
    job.log.line(title)
    outputs = _outputs("succeeded", account, report)
    job.commands.summary(telling.page(title, account.steps, outputs.images, outputs.revision, job))
    return outputs


def _dry_run(steps: Sequence[Step], job: Job) -> Outputs:
    unchecked = [str(step.key) for step in steps if step.does is not Does.UNCHANGED and not step.checked]
    if unchecked:
        job.log.line(f"  Not checked by the server, which lacks what they need: {', '.join(unchecked)}")
    title = "✔ Nothing was written (dry run)."
    job.log.line(title)
    job.commands.summary(telling.page(title, steps, [], {}, job))
    would = [str(step.key) for step in steps if step.does is not Does.UNCHANGED]
    return Outputs("dry-run", would, [], [], {})


def _outputs(result: str, account: Account, report: RolloutReport | None = None) -> Outputs:
    outcomes = report.outcomes if report else ()
    return Outputs(
        result=result,
        changed=[str(step.key) for step in account.written],
        applied=[str(step.key) for step in account.steps if step.does is Does.UNCHANGED or step in account.written],
        images=sorted({image for step in account.steps for _, image in images_of(step.manifest.object)}),
        revision={outcome.workload.name: outcome.revision for outcome in outcomes if outcome.revision},
    )


def _ended(cluster: Cluster, inputs: Inputs, account: Account, error: Failure, job: Job) -> Failure:
    """The failure to report, after going back where that was asked for and is possible; with what was written."""
    limit = min(ROLLBACK_LIMIT, inputs.timeout.total_seconds())
    error, result = ending.ended(cluster, account, error, job, rollback=inputs.rollback, limit=limit)
    outputs = dataclasses.replace(_outputs(result, account), images=[])
    error.outputs = dataclasses.asdict(outputs)
    job.commands.summary(telling.page(f"deploy-aks: {result}", account.steps, [], {}, job))
    return error


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
