"""The writes of a plan: wave after wave, in parallel inside one, and an exact account of how far they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any

from ...errors import Cancelled, Failure, RolloutFailed, TransientError
from ...job import Job, Phase
from ...kube.apply import apply
from ...kube.client import Cluster
from ...kube.snapshot import PARALLEL
from ...plan import waves
from ...plan.steps import Does, Step, by_wave
from ...rollout.report import Workload

ESTABLISHED_WITHIN = 60.0  # seconds for a CustomResourceDefinition to be served
LAST_WORD = 3.0  # seconds that a cancelled run gives to requests on their way, before it lists them as unknown


class Account:
    """What was written so far, by path: the object as the server answered."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self.begun = time.time()  # epoch seconds: trouble of workloads from before is not held against this run
        self._lock = threading.Lock()
        self._sent: set[str] = set()
        self._written: dict[str, dict[str, Any]] = {}

    def sending(self, step: Step) -> None:
        with self._lock:
            self._sent.add(step.path)

    def refused(self, step: Step) -> None:
        with self._lock:
            self._sent.discard(step.path)

    def wrote(self, step: Step, after: dict[str, Any]) -> None:
        with self._lock:
            self._written[step.path] = after

    def after(self, step: Step) -> dict[str, Any]:
        """The object as it is now, as far as we know."""
        return self._written.get(step.path) or step.live or {}

    @property
    def written(self) -> list[Step]:
        return [step for step in self.steps if step.path in self._written]

    @property
    def unknown(self) -> list[Step]:
        """Sent, and never answered."""
        return [step for step in self.steps if step.path in self._sent and step.path not in self._written]

    @property
    def pending(self) -> list[Step]:
        """To be written, and not begun."""
        return [step for step in self.steps if step.does is not Does.UNCHANGED and step.path not in self._sent]

    def told(self) -> str:
        """The account in lines; empty before the first write."""
        groups = (("applied", self.written), ("sent, answer unknown", self.unknown), ("pending", self.pending))
        return "\n".join(f"{name}: {', '.join(str(step.key) for step in steps)}" for name, steps in groups if steps)


def workload(account: Account, step: Step, generation: int = 0) -> Workload:
    """What to follow; its status must have seen `generation`, or the one that the apply answered."""
    generation = generation or int(account.after(step).get("metadata", {}).get("generation") or 0)
    return Workload(step.key.kind, step.key.namespace, step.key.name, generation, step.manifest.at())


def write(cluster: Cluster, account: Account, force: bool, job: Job, phase: Phase) -> None:
    """Apply what is not unchanged. The first failure ends it when the requests on their way are answered.

    Raises Cancelled, RolloutFailed, InputError, AuthError, TransientError.
    """
    changed = by_wave(step for step in account.steps if step.does is not Does.UNCHANGED)
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        for steps in changed:
            stop = threading.Event()
            futures = [pool.submit(_write, cluster, step, account, force, job, stop) for step in steps]
            _finish(futures, stop, job)
            if steps[0].wave == waves.DEFINITIONS:
                _established(cluster, steps, job, phase)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _write(cluster: Cluster, step: Step, account: Account, force: bool, job: Job, stop: threading.Event) -> None:
    if stop.is_set():
        return
    job.check()
    account.sending(step)
    try:
        account.wrote(step, apply(cluster, step.manifest, step.path, force=force, dry_run=False, hide=step.secret))
    except Failure as error:
        stop.set()
        # After a cancellation between two tries, or tries without an answer, nobody knows what came of it.
        if not isinstance(error, Cancelled | TransientError):
            account.refused(step)
        raise


def _finish(futures: Sequence[Future[None]], stop: threading.Event, job: Job) -> None:
    """Wait for a wave; raise its first failure. A cancellation does not wait for a server that does not answer."""
    pending: set[Future[None]] = set(futures)
    patience = 0.0
    while pending and (not job.cancelled or patience < LAST_WORD):
        _, pending = wait(pending, timeout=0.1, return_when=FIRST_EXCEPTION)
        patience += 0.1 if job.cancelled else 0.0
        if job.cancelled:
            stop.set()
    job.check()
    for future in futures:
        future.result()


def _established(cluster: Cluster, definitions: Sequence[Step], job: Job, phase: Phase) -> None:
    """Wait until the server serves the new kinds, which custom resources of later waves need."""
    ends = job.clock() + ESTABLISHED_WITHIN
    for step in definitions:
        while (state := _conditions(cluster, step)).get("Established", {}).get("status") != "True":
            refused = state.get("NamesAccepted", {})
            if refused.get("status") == "False":
                raise RolloutFailed(
                    f"{step.key} can't be served: its names are taken",
                    why=str(refused.get("message", "")),
                    at=step.manifest.at("spec", "names"),
                )
            if job.clock() > ends:
                raise RolloutFailed(f"{step.key} is not served after {ESTABLISHED_WITHIN:.0f} s", at=step.manifest.at())
            job.sleep(0.1)
    phase.detail(f"{len(definitions)} custom resource definition{'s' if len(definitions) > 1 else ''} established")


def _conditions(cluster: Cluster, step: Step) -> dict[str, dict[str, Any]]:
    found = cluster.get(step.path) or {}
    return {condition["type"]: condition for condition in (found.get("status") or {}).get("conditions") or []}
