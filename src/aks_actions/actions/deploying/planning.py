"""Desired objects against the cluster: what each needs, and what the server would refuse, before any write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from ...errors import AuthError, InputError, RolloutFailed
from ...job import Job
from ...kube import review
from ...kube.apply import MANAGER, DryRunUnsupportedError, apply
from ...kube.client import Cluster
from ...kube.denials import no_namespace, terminating
from ...kube.discovery import Discovery, Resource
from ...kube.snapshot import PARALLEL, by_collection, snapshot
from ...manifests.objects import Manifest, unique
from ...plan import trace
from ...plan.diff import changes
from ...plan.fields import owned, proved_unchanged
from ...plan.steps import Does, Step, runs_pods
from ...plan.waves import defined_kinds, wave


@dataclass(frozen=True)
class Options:
    """How to apply: what the inputs of the action say."""

    namespace: str
    force: bool
    trace: Mapping[str, str]  # annotations of this run


@dataclass(frozen=True)
class _Wanted:
    """A manifest and how its kind is reached."""

    manifest: Manifest
    resource: Resource

    @property
    def path(self) -> str:
        return self.resource.path(self.manifest.namespace, self.manifest.name)


def plan(cluster: Cluster, manifests: Sequence[Manifest], options: Options, job: Job) -> list[Step]:
    """The steps, none taken yet.

    Raises InputError (unknown kind, missing or terminating namespace, invalid object), AuthError (a permission is
    missing), RolloutFailed (admission, conflicts, immutable fields): what can be known is known before any write.
    """
    wanted = _resolved(cluster, manifests, options.namespace)
    live = _live(cluster, wanted)
    absent = _namespaces(cluster, wanted, live)
    defined = defined_kinds(manifests)
    steps = [_step(item, live.get(item.path), wave(item.manifest, defined)) for item in wanted]
    _permitted(cluster, wanted, steps)
    new = frozenset(step.manifest.name for step in steps if step.does is Does.NEW)

    def check(step: Step) -> Step:
        if step.does is Does.UNCHANGED:
            return step
        # Its namespace or its kind is still to be made.
        if step.manifest.namespace in absent or (step.key.group, step.key.kind) in defined:
            return _unchecked(step, options)
        job.check()
        return _checked(cluster, step, options, new)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(check, steps))


def _resolved(cluster: Cluster, manifests: Sequence[Manifest], namespace: str) -> list[_Wanted]:
    """Each kind's path, each object's namespace."""
    discovery = Discovery(cluster)
    defined = defined_kinds(manifests)
    wanted = []
    for manifest in manifests:
        resource = discovery.find(manifest.api_version, manifest.kind)
        if resource is None and (definition := defined.get((manifest.group, manifest.kind))):
            resource = _defined(definition, manifest)
        if resource is None:
            raise InputError(
                f"the cluster knows no {manifest.kind} in {manifest.api_version}",
                why="No API group of the cluster serves it, and no CustomResourceDefinition among the manifests does.",
                do=f"Correct it, or install what brings it first: kubectl api-resources | grep -i {manifest.kind}",
                at=manifest.at("kind"),
            )
        placed = manifest.in_namespace((manifest.namespace or namespace) if resource.namespaced else "")
        wanted.append(_Wanted(placed, resource))
    unique(item.manifest for item in wanted)  # again: an object may name the default namespace, and its twin none
    return wanted


def _defined(definition: Manifest, manifest: Manifest) -> Resource | None:
    """The resource that a definition in the same set will bring."""
    spec = definition.object["spec"]
    version = manifest.api_version.rpartition("/")[2]
    if version not in [item.get("name") for item in spec.get("versions") or [] if item.get("served")]:
        return None
    plural = str(spec["names"].get("plural"))
    return Resource(manifest.group, version, manifest.kind, plural, spec.get("scope") == "Namespaced")


def _live(cluster: Cluster, wanted: Sequence[_Wanted]) -> dict[str, dict[str, Any]]:
    return snapshot(cluster, by_collection(item.path for item in wanted))


def _namespaces(cluster: Cluster, wanted: Sequence[_Wanted], live: Mapping[str, Any]) -> set[str]:
    """The namespaces that the set is still to make. Raises InputError for one that is missing or terminating."""
    made = {
        item.manifest.name: item for item in wanted if (item.manifest.group, item.manifest.kind) == ("", "Namespace")
    }
    used = {item.manifest.namespace: item.manifest for item in reversed(wanted) if item.manifest.namespace}
    absent = set()
    for name, user in {**{name: item.manifest for name, item in made.items()}, **used}.items():
        found = live.get(made[name].path) if name in made else _namespace(cluster, name)
        if found is None and name not in made:
            raise no_namespace(user)
        if found is None:
            absent.add(name)
        elif found["metadata"].get("deletionTimestamp"):
            raise terminating(user)
    return absent


def _namespace(cluster: Cluster, name: str) -> dict[str, Any] | None:
    try:
        return cluster.get(f"/api/v1/namespaces/{name}")
    except AuthError:
        # Who may only write inside of a namespace can't see the namespace itself: the dry run will tell.
        return {"metadata": {"name": name}}


def _step(item: _Wanted, live: dict[str, Any] | None, number: int) -> Step:
    manifest = trace.as_live(item.manifest, live)
    if live is None:
        return Step(manifest, item.path, number, None, Does.NEW)
    if proved_unchanged(manifest.object, live, MANAGER):
        return Step(manifest, item.path, number, live, Does.UNCHANGED, proved=True)
    return Step(manifest, item.path, number, live, Does.CHANGE)


def _permitted(cluster: Cluster, wanted: Sequence[_Wanted], steps: Sequence[Step]) -> None:
    """All permissions that the writes and the watch after them need, asked at once.

    A patch that makes an object needs `create` too.
    """
    needed: dict[review.Permission, list[str]] = defaultdict(list)
    for item, step in zip(wanted, steps, strict=True):
        if step.does is Does.UNCHANGED:
            continue
        for verb in ("patch", "create") if step.does is Does.NEW else ("patch",):
            permission = review.Permission(verb, item.resource.group, item.resource.plural, item.manifest.namespace)
            needed[permission].append(item.manifest.name)
    if needed:
        for permission in _watched(wanted, steps):
            needed[permission].append("")
    review.check(cluster, needed)


def _watched(wanted: Sequence[_Wanted], steps: Sequence[Step]) -> Iterator[review.Permission]:
    """What following the rollout reads: a lack of it found after the writes would leave them unwatched."""
    for item, step in zip(wanted, steps, strict=True):
        if runs_pods(step):
            kinds = {(item.resource.group, item.resource.plural), ("", "pods")}
            if step.key.kind == "Deployment":
                kinds.add(("apps", "replicasets"))
            for group, plural in kinds:
                for verb in ("list", "watch"):
                    yield review.Permission(verb, group, plural, item.manifest.namespace)


def _checked(cluster: Cluster, step: Step, options: Options, new: Collection[str]) -> Step:
    """A step after the server's dry run: whether it really changes something, and what."""
    try:
        after = apply(cluster, step.manifest, step.path, force=options.force, dry_run=True, hide=step.secret)
    except DryRunUnsupportedError:
        return _unchecked(step, options)
    except (InputError, RolloutFailed) as error:
        # It may refuse because of an object that an earlier wave makes, such as a Pod's ServiceAccount.
        if any(f'"{name}"' in error.why for name in new if name != step.manifest.name):
            return _unchecked(step, options)
        raise
    if step.live is not None:
        found = tuple(changes(step.live, after, secret=step.secret, ignored=trace.KEYS))
        # Taking over or giving up fields is worth a write though no value changes.
        if not found and owned(step.live, MANAGER) == owned(after, MANAGER):
            return replace(step, does=Does.UNCHANGED)
        step = replace(step, changes=found)
    return replace(step, manifest=trace.as_run(step.manifest, options.trace))


def _unchecked(step: Step, options: Options) -> Step:
    return replace(step, manifest=trace.as_run(step.manifest, options.trace), checked=False)
