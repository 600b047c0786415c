"""Prove that workloads are ready, stay so, can heal, run what was built, and that their Services answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from .. import inputs as forms
from ..errors import Failure, InputError, RolloutFailed
from ..inputs import Lines
from ..job import Job
from ..kube.client import Cluster
from ..kube.watch import Watch
from ..probes.lint import lint
from ..report import summary
from ..rollout import images
from ..rollout.images import Proof
from ..rollout.objects import Object
from ..rollout.report import RolloutReport, Workload, failure
from . import access
from .follow import follow, streams
from .verifying import services, stability, workloads
from .verifying.stability import Stability


@dataclass(frozen=True)
class Inputs:
    namespace: str
    workloads: Lines
    services: Lines
    images: Lines
    stability: str
    require_probes: bool
    resource_group: str
    cluster_name: str
    subscription_id: str
    tenant_id: str
    client_id: str
    kubeconfig: str
    context: str
    allow_exec: Lines
    timeout: timedelta


@dataclass(frozen=True)
class Outputs:
    healthy: bool
    report: dict[str, Any]


@dataclass
class Findings:
    """What was checked so far: for the log, the summary and the outputs. A problem makes the workload unhealthy."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)
    evidence: list[str] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)

    def good(self, check: str, what: str) -> None:
        self.rows.append(("✔", check, what))

    def warning(self, check: str, what: str) -> None:
        self.rows.append(("!", check, what))

    def problem(self, check: str, what: str, remedy: str = "") -> None:
        self.rows.append(("✘", check, what))
        self.problems.append(what)
        self.remedies += [remedy] if remedy and remedy not in self.remedies else []


def run(inputs: Inputs, job: Job) -> Outputs:
    """Raises RolloutFailed with everything that is wrong; InputError, AuthError, DeadlineExceeded."""
    deadline = job.clock() + inputs.timeout.total_seconds()
    window = _window(inputs.stability)
    expected = _expected(inputs.images)
    findings = Findings()
    with job.log.phase("Cluster") as phase:
        cluster = access.cluster(inputs, job)
        live = workloads.select(cluster, inputs.namespace, inputs.workloads)
        asked = services.questions(cluster, inputs.namespace, inputs.services, live)
        phase.note = f"{access.identity(inputs, cluster)}, namespace {inputs.namespace}: {', '.join(map(str, live))}"
    try:
        with job.log.phase("Ready") as phase:
            report = follow(cluster, job, list(live), phase=phase, deadline=deadline, started=0.0)
            _ready(report, findings)
        with job.log.phase("Probes") as phase:
            for line in _probes(live, inputs.require_probes, findings, job):
                phase.detail(line)
        with job.log.phase("Images") as phase:
            phase.note = _images(cluster, live, expected, findings, job, deadline)
        with job.log.phase("Services") as phase:
            endpoints = services.ready_endpoints(cluster, inputs.namespace) if asked else {}
            answers = [
                services.ask(cluster, job, inputs.namespace, each, endpoints.get(each.service, 0), deadline)
                for each in asked
            ]
            for answer in answers:
                phase.detail(str(answer))
            _services(answers, findings)
        with job.log.phase("Stability") as phase:
            seen = stability.watch_restarts(cluster, job, live, window, phase, deadline)
            _stability(seen, findings)
        if findings.problems:
            raise _unhealthy(inputs.namespace, findings)
    except Failure as error:
        findings.report["problems"] = findings.problems or [error.what]
        error.outputs = {"healthy": False, "report": findings.report}
        job.commands.summary(_summary(inputs.namespace, findings))
        raise
    job.commands.summary(_summary(inputs.namespace, findings))
    job.log.line(f"✔ {', '.join(map(str, live))} healthy. {len(findings.rows)} checks.")
    return Outputs(healthy=True, report={**findings.report, "problems": []})


def _window(text: str) -> timedelta | None:
    if text == "auto":
        return None
    try:
        return forms.duration(text)
    except ValueError as error:
        raise InputError(f"stability is {text!r}: {error}", do="Write `auto`, or a duration such as 30s.") from None


def _expected(given: Lines) -> dict[str, str]:
    try:
        return images.wanted(given)
    except ValueError as error:
        raise InputError(f"images: {error}", do="Name images by digest: `registry/name@sha256:…`.") from None


def _ready(report: RolloutReport, findings: Findings) -> None:
    findings.report["workloads"] = [
        {
            "workload": str(outcome.workload),
            "revision": outcome.revision,
            "status": str(outcome.verdict.status),
            "reason": outcome.verdict.reason,
            "progress": outcome.verdict.progress,
        }
        for outcome in report.outcomes
    ]
    for outcome in report.outcomes:
        if outcome.verdict.succeeded:
            revision = f", revision {outcome.revision}" if outcome.revision else ""
            findings.good("Ready", f"{outcome.workload}{revision}: {outcome.verdict.progress}")
        else:
            findings.problem("Ready", f"{outcome.workload}: {outcome.verdict.reason} {outcome.verdict.message}".strip())
    if not report.succeeded:
        raise failure(report)


def _probes(live: Mapping[Workload, Object], required: bool, findings: Findings, job: Job) -> list[str]:
    told = []
    found = [(workload, each) for workload, item in live.items() for each in lint(workloads.template(item))]
    for workload, each in found:
        line = f"{workload}, container {each.container}: {each.message}"
        if each.severity == "error" and (required or not each.rule.startswith("no-")):
            findings.problem("Probes", line, each.remedy)
        else:
            findings.warning("Probes", line)
            job.commands.annotate("warning", f"{line}\n{each.remedy}")
        told.append(f"{line} ({each.rule})")
    if not found:
        findings.good("Probes", "every container has readiness and liveness probes, and no rule is broken")
    findings.report["probes"] = [{"workload": str(workload), **vars(each)} for workload, each in found]
    return told


def _images(
    cluster: Cluster,
    live: Mapping[Workload, Object],
    expected: Mapping[str, str],
    findings: Findings,
    job: Job,
    deadline: float,
) -> str:
    with Watch(cluster, streams(list(live))) as watch:
        stability.listed(watch, job, deadline)
        running = [
            found
            for workload, item in live.items()
            for found in images.running(item, stability.pods_of(workload, watch.objects), expected)
        ]
    for each in running:
        if each.proof is Proof.DIFFERENT:
            findings.problem(
                "Images",
                f"{each.pod}, container {each.container} runs {each.reported or each.image}, not {each.expected}",
                "Deploy the digest that was built; look for a mutating webhook if it was.",
            )
        elif each.proof is Proof.UNPROVED:
            findings.warning("Images", f"{each.pod}, container {each.container}: the node reports {each.reported!r}")
    digests = {each.expected for each in running}
    for name, digest in expected.items():
        if digest not in digests:
            findings.problem("Images", f"no container runs {name}@{digest}", "Correct `images`, or deploy the image.")
    proved = sum(each.proof is Proof.PROVED for each in running)
    note = f"{proved} of {len(running)} containers proved to run their digest" if running else "none is given by digest"
    if proved:
        findings.good("Images", note)
    findings.report["images"] = [{**vars(each), "proof": str(each.proof)} for each in running]
    return note


def _services(answers: list[services.Answer], findings: Findings) -> None:
    for answer in answers:
        if answer.trouble:
            findings.problem(
                "Services",
                str(answer),
                "Look at the Service's selector and targetPort, the pods' readiness, and NetworkPolicies that keep the "
                "API server's proxy out.",
            )
        else:
            findings.good("Services", str(answer))
    findings.report["services"] = [vars(answer) for answer in answers]


def _stability(seen: list[Stability], findings: Findings) -> None:
    for each in seen:
        restarts = f"{each.restarts} restarts of this revision's pods"
        if each.trouble:
            findings.problem("Stability", f"{each.workload}: {each.trouble}", "Look at the last log lines below.")
            findings.evidence.append(each.evidence)
        elif each.restarts:
            findings.warning("Stability", f"{each.workload}: {restarts}, none in {each.window.explanation}")
        else:
            findings.good("Stability", f"{each.workload}: no restarts, watched for {each.window.explanation}")
    findings.report["stability"] = [
        {"workload": str(s.workload), "seconds": s.window.seconds, "restarts": s.restarts, "trouble": s.trouble}
        for s in seen
    ]


def _unhealthy(namespace: str, findings: Findings) -> RolloutFailed:
    first, more = findings.problems[0], len(findings.problems) - 1
    return RolloutFailed(
        f"namespace {namespace} is not healthy: {first}" + (f" (and {more} more)" if more else ""),
        why="\n".join(findings.problems),
        do="\n".join(findings.remedies),
        details="\n\n".join(filter(None, findings.evidence)),
    )


def _summary(namespace: str, findings: Findings) -> str:
    state = "not healthy" if findings.problems else "healthy"
    return f"### Health of {namespace}: {state}\n\n" + summary.table(("", "check", "found"), findings.rows)
