"""Wait for workloads, judge them, tell what happens; on failure, the evidence before anything is rolled back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..errors import Cancelled, Failure
from ..job import Job, Phase
from ..kube.client import Cluster
from ..kube.watch import Watch
from ..rollout import evidence, images
from ..rollout.deployments import new_replica_set, revision
from ..rollout.images import Proof
from ..rollout.judge import WORKLOADS, judge
from ..rollout.objects import Object, Objects, created, is_true
from ..rollout.report import Outcome, RolloutReport, Workload, failure
from ..rollout.verdict import Moment, Verdict, certain, trouble, unknown, unseen
from ..rollout.workloads import alive

__all__ = ["RolloutReport", "Workload", "failure", "follow"]

TICK = 0.2  # seconds between looks at the clock and at a cancellation, while nothing changes
QUIET = 0.5  # seconds between two judgements while nothing changes
SHARE = 2.0  # times as long as a judgement takes, changes are gathered before the next: a thousand workloads take 0.3 s
ABSENT = 5.0  # seconds after the first list in which a workload may still be unseen
REMIND = 30.0  # seconds after which what we wait for is said again
MANY = 8  # workloads of which each has lines of its own; of more, only sums are told
_NO_LOG = "unable to retrieve container logs"  # the kubelet's 200 for a log that is gone

# What each kind is judged from, beside itself.
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("ReplicaSet", "Pod", "Event"),
    "Pod": ("Event",),
}


def streams(workloads: Sequence[Workload]) -> set[tuple[str, str]]:
    """Kinds and namespaces to watch: their number does not grow with that of the workloads."""
    return {
        (kind, w.namespace)
        for w in workloads
        if w.kind in WORKLOADS
        for kind in (w.kind, *_BESIDE.get(w.kind, ("Pod", "Event")))
    }


def follow(
    cluster: Cluster,
    job: Job,
    workloads: Sequence[Workload],
    *,
    phase: Phase,
    deadline: float,
    started: float | None = None,
) -> RolloutReport:
    """Wait until every workload is well, one has failed, or `deadline` (of job.clock) has passed.

    `started` (epoch seconds) is when the first of them was applied: trouble from before is not held against it.
    A failed rollout is returned, not raised; see `failure`. Raises Cancelled, AuthError.
    """
    begun = job.clock()
    with Watch(cluster, streams(workloads)) as watch:
        rollout = _Rollout(cluster, workloads, job, phase, watch.objects, time.time() if started is None else started)
        synced_at = looked = took = 0.0
        changed = False
        while True:
            synced = watch.synced  # before the update that takes in what was listed
            changed = watch.update(TICK) or changed
            job.check()
            # Time alone turns trouble that lasts into a failure, so a look is due without changes too.
            waited = job.clock() - looked
            if synced and waited >= (SHARE * took if changed else QUIET):
                begins = job.clock()
                synced_at = synced_at or begins
                rollout.look(late=begins - synced_at > ABSENT)
                looked, changed = job.clock(), False
                took = looked - begins
            timed_out = not rollout.ended and job.clock() >= deadline
            if rollout.ended or timed_out:
                outcomes = tuple(rollout.outcome(w) for w in workloads)
                for kind, why in watch.missing.items():
                    job.log.warn(f"{kind}s can't be read, so failures are explained less well: {why}")
                return RolloutReport(outcomes, job.clock() - begun, timed_out, watch.trouble if timed_out else None)


class _Rollout:
    """What is known and was told of the workloads so far."""

    def __init__(
        self,
        cluster: Cluster,
        workloads: Sequence[Workload],
        job: Job,
        phase: Phase,
        objects: Objects,
        started: float,
    ) -> None:
        self._cluster = cluster
        self._workloads = workloads
        self._job = job
        self._phase = phase
        self._objects = objects
        self._begun = job.clock()
        self._started = started
        self._verdicts: dict[Workload, Verdict] = {w: unseen("the API server has not answered yet") for w in workloads}
        self._decided: dict[Workload, float] = {}
        self._seen: set[Workload] = set()
        self._told: dict[Workload, tuple[str, str]] = {}
        self._reminded = job.clock()
        self._sum = ""

    @property
    def ended(self) -> bool:
        """Everything is decided, or something has failed: its evidence can't wait for the others."""
        return len(self._decided) == len(self._workloads) or any(self._verdicts[w].failed for w in self._decided)

    def look(self, *, late: bool) -> None:
        """Judge what may still change, and tell what has changed. `late`: what is unseen by now does not exist."""
        at = self._moment()
        for workload in self._workloads:
            # What was well may not stay so; what is gone by now (a finished Job) was well.
            if workload in self._decided and not (self._verdicts[workload].succeeded and self._find(workload)):
                continue
            verdict = self._judge(workload, at, late)
            self._verdicts[workload] = verdict
            if verdict.status == "progressing":
                self._decided.pop(workload, None)
            else:
                self._decided.setdefault(workload, self._job.clock() - self._begun)
        self._tell()

    def _moment(self) -> Moment:
        # Objects' timestamps are the cluster's, and events' are cut to whole seconds.
        return Moment(time.time() - self._cluster.ahead, float(int(self._started - self._cluster.ahead) - 1))

    def _judge(self, workload: Workload, at: Moment, late: bool) -> Verdict:
        if workload.kind not in WORKLOADS:
            return unknown("UnknownKind", f"{workload.kind} is no kind that is watched")
        found = self._find(workload)
        if found is not None:
            self._seen.add(workload)
            return judge(found, self._objects, at, workload.generation)
        if workload in self._seen or late:
            return certain(trouble("NotFound", f"{workload} does not exist (any more)", subject=str(workload)))
        return unseen("not visible yet")

    def _find(self, workload: Workload) -> Object | None:
        return self._objects.get(workload.kind, workload.namespace, workload.name)

    def _tell(self) -> None:
        """One line a change; while nothing changes, what we wait for, now and then."""
        remind = self._job.clock() - self._reminded >= REMIND
        if len(self._workloads) > MANY:
            self._tell_sum(remind)
            return
        for workload, verdict in self._verdicts.items():
            line = (verdict.progress, verdict.reason)
            old = self._told.get(workload)
            undecided = workload not in self._decided
            if not (remind and undecided) and (line == old or line == ("", "")):
                continue
            self._told[workload] = line
            self._reminded = self._job.clock()
            name = f"{workload}  " if len(self._workloads) > 1 else ""
            if remind or old is None or old[0] != verdict.progress:
                self._phase.live(f"{name}{verdict.progress or verdict.message}")
            if verdict.reason and undecided and (remind or old is None or old[1] != verdict.reason):
                self._phase.live(f"{name}  {_explanation(verdict)}")

    def _tell_sum(self, remind: bool) -> None:
        ready = sum(v.succeeded for v in self._verdicts.values())
        waits = [(w, v) for w, v in self._verdicts.items() if v.troubled]
        line = f"{ready} of {len(self._workloads)} ready" + (f", {len(waits)} wait" if waits else "")
        # A tenth of them is worth a line; the last one always is.
        step = max(1, len(self._workloads) // 10)
        due = ready == len(self._workloads) or f"{ready // step}" != self._sum
        if not (due or (remind and not self.ended)):
            return
        self._sum = f"{ready // step}"
        self._reminded = self._job.clock()
        self._phase.live(line)
        for workload, verdict in waits[:3]:
            self._phase.live(f"  {workload}: {_explanation(verdict)}")

    def outcome(self, workload: Workload) -> Outcome:
        """The workload's end, with evidence where it is not well."""
        verdict = self._verdicts[workload]
        found = self._find(workload)
        seconds = self._decided.get(workload, self._job.clock() - self._begun)
        if found is None:
            return Outcome(workload, verdict, seconds)
        told = revision(found) if workload.kind == "Deployment" else ""
        if verdict.succeeded:
            running = images.running(found, alive(evidence.concerned(found, self._objects)), {})
            other = next((each for each in running if each.proof is Proof.DIFFERENT), None)
            return Outcome(
                workload, _another(verdict, other) if other else verdict, seconds, told, running=tuple(running)
            )
        if not (verdict.failed or verdict.reason or not self._decided):
            return Outcome(workload, verdict, seconds, told)
        text = gathered(self._cluster, self._job, found, self._objects, verdict, self._moment())
        return Outcome(workload, verdict, seconds, told, _serving(found, self._objects), text)


def _another(verdict: Verdict, running: images.Running) -> Verdict:
    """The verdict on a workload that is well, but is not what was applied."""
    found = trouble(
        "AnotherImage",
        f"{running.pod} runs {running.reported or running.image}, not {running.expected}",
        why="Something between the manifest and the pod has changed the image: an admission webhook, most likely.",
        remedy="Exempt the workload from the webhook, or deploy the image that it puts in place.",
        subject=running.pod,
    )
    return replace(certain(found), container=running.container, progress=verdict.progress)


def gathered(cluster: Cluster, job: Job, found: Object, objects: Objects, verdict: Verdict, at: Moment) -> str:
    """Events and last log lines that explain `verdict`, without anything that the job has masked."""
    logged = {}
    for request in evidence.logs(found, objects, verdict, at):
        try:
            text = cluster.text(request.path, request.query, limit=64 * 1024)
        except Cancelled:
            raise
        except Failure as error:  # no permission on logs, an API server that is away: the verdict stands without them
            logged[request] = f"(can't be read: {error.what})"
            break
        if text is not None and not text.startswith(_NO_LOG):
            logged[request] = text
    return job.log.redacted(evidence.text(found, verdict, evidence.events(found, objects, at), logged))


def _explanation(verdict: Verdict) -> str:
    container = f"container {verdict.container}: " if verdict.container else ""
    return f"waiting: {container}{verdict.reason}: {verdict.message}"


def _serving(found: Object, objects: Objects) -> str:
    """What of an older revision still answers while the new one does not."""
    if found["kind"] != "Deployment":
        return ""
    newest = new_replica_set(found, objects)
    ready = {
        rs["metadata"]["name"]: (rs, sum(is_true(pod, "Ready") for pod in objects.owned(rs, "Pod")))
        for rs in objects.owned(found, "ReplicaSet")
        if rs is not newest
    }
    serving = [(rs, count) for rs, count in ready.values() if count]
    if not serving:
        return ""
    rs, count = max(serving, key=lambda pair: created(pair[0]))
    return f"revision {revision(rs)}, {count} ready pod{'s' if count > 1 else ''}"
