"""Which workloads to verify, and what is said of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ...errors import InputError
from ...kube.client import Cluster
from ...kube.watch import RESOURCES
from ...rollout.objects import Object
from ...rollout.report import Workload

KINDS = ("Deployment", "StatefulSet", "DaemonSet")


def select(cluster: Cluster, namespace: str, named: Sequence[str]) -> dict[Workload, Object]:
    """The workloads to verify, live: those named, `Kind/name` or a Deployment's `name`, or all of the namespace.

    Raises InputError where one does not exist, or the namespace has none.
    """
    wanted = [(kind if slash else "Deployment", name) for kind, slash, name in map(_parts, named)]
    for kind, _ in wanted:
        if kind not in KINDS:
            raise InputError(f"workloads names a {kind}", why=f"Verified are {', '.join(KINDS)}.")
    kinds = KINDS if not wanted else tuple(kind for kind in KINDS if any(kind == each for each, _ in wanted))
    with ThreadPoolExecutor(len(kinds)) as pool:
        lists = pool.map(lambda kind: listed(cluster, kind, namespace), kinds)
        found = {(item["kind"], item["metadata"]["name"]): item for items in lists for item in items}
    missing = [f"{kind}/{name}" for kind, name in wanted if (kind, name) not in found]
    if missing or not found:
        raise InputError(
            f"namespace {namespace} has no {', '.join(missing) or 'workload to verify'}",
            why=f"It has {', '.join(f'{kind}/{name}' for kind, name in found)}." if found else "",
            do="Correct `namespace` or `workloads`, or deploy first.",
        )
    return {
        Workload(item["kind"], namespace, item["metadata"]["name"], int(item["metadata"].get("generation") or 0)): item
        for key, item in found.items()
        if not wanted or key in wanted
    }


def _parts(text: str) -> tuple[str, str, str]:
    kind, slash, name = text.rpartition("/")
    return next((known for known in KINDS if known.lower() == kind.lower()), kind), slash, name


def listed(cluster: Cluster, kind: str, namespace: str) -> list[Object]:
    """The objects of a kind in a namespace, each with its kind."""
    answer = cluster.get(RESOURCES[kind].format(f"namespaces/{namespace}/")) or {}
    return [{**item, "kind": kind} for item in answer.get("items") or ()]


def template(found: Object) -> dict[str, Any]:
    return dict(found["spec"]["template"])
