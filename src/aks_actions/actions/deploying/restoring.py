"""Back to what was live before: the recorded objects are applied again, what this run made is removed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ...errors import Failure
from ...job import Job
from ...kube.apply import MANAGER, apply, delete
from ...kube.client import Cluster
from ...manifests.objects import Key
from ...plan.fields import extract, owned
from ...plan.steps import Step, runs_pods
from .applying import Account

# Deleting these would take data or other people's objects with them.
KEPT = frozenset(("Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"))


@dataclass
class Restored:
    """What came of going back. `generations` are those of the objects applied again, by path."""

    applied: list[Step] = field(default_factory=list)
    removed: list[Key] = field(default_factory=list)
    left: list[Key] = field(default_factory=list)
    refused: list[tuple[Key, Failure]] = field(default_factory=list)
    generations: dict[str, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return not self.refused

    def told(self) -> str:
        """One line for the log."""
        parts = [f"{len(self.applied)} applied as before" if self.applied else ""]
        for word, keys in (("removed", self.removed), ("left in place", self.left)):
            if keys:
                parts.append(f"{word}: {', '.join(map(str, keys))}")
        return "; ".join(filter(None, parts))


def obstacle(account: Account) -> str:
    """Why going back would help nobody; empty where it would. Then all is left as it is, to be looked at."""
    before = [step for step in account.steps if step.live is not None and runs_pods(step)]
    if not before and any(runs_pods(step) for step in account.steps):
        return "There is no earlier state to go back to"
    if before and not any(_served(step) for step in before):
        return "What was live before did not serve either"
    return ""


def _served(step: Step) -> bool:
    status = (step.live or {}).get("status") or {}
    return step.key.kind != "Deployment" or bool(status.get("availableReplicas"))


def restore(cluster: Cluster, account: Account, job: Job) -> Restored:
    """Undo the writes of an account. One object that refuses does not keep the others from going back.

    Raises Cancelled only.
    """
    result = Restored()
    touched = sorted([*account.written, *account.unknown], key=lambda step: step.wave)
    for step in touched:
        if step.live is not None:
            job.check()
            _put_back(cluster, step, account, result)
    for step in reversed(touched):
        if step.live is None:
            job.check()
            _remove(cluster, step, account, result)
    return result


def _put_back(cluster: Cluster, step: Step, account: Account, result: Restored) -> None:
    """Apply the fields that we owned, and those that we own by now, with the values that were live."""
    live = step.live or {}
    before = extract(live, owned(live, MANAGER), owned(account.after(step), MANAGER))
    manifest = replace(step.manifest, object=before)
    try:
        # By force: the fields were ours, or were taken by force in this very run.
        after = apply(cluster, manifest, step.path, force=True, dry_run=False, hide=step.secret)
    except Failure as error:
        result.refused.append((step.key, error))
        return
    result.applied.append(step)
    result.generations[step.path] = int(after["metadata"].get("generation") or 0)


def _remove(cluster: Cluster, step: Step, account: Account, result: Restored) -> None:
    uid = str(account.after(step).get("metadata", {}).get("uid") or "")
    if step.key.kind in KEPT or not uid:
        result.left.append(step.key)
        return
    try:
        delete(cluster, step.path, uid)
    except Failure as error:
        result.refused.append((step.key, error))
        return
    result.removed.append(step.key)
