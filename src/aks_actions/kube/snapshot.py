"""What the cluster has of a set of objects: one LIST a kind and namespace, or a GET each where that is less."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..errors import AuthError
from .client import Cluster
from .refusals import unexpected

PARALLEL = 8
FEW = 3  # up to so many objects of a collection are read one by one: a LIST would bring every Secret of the namespace


def snapshot(cluster: Cluster, wanted: Mapping[str, Iterable[str]]) -> dict[str, dict[str, Any]]:
    """The live objects by path. `wanted` gives the names that matter of each collection's path.

    Raises AuthError where neither LIST nor GET is permitted, TransientError as the client does.
    """
    with ThreadPoolExecutor(PARALLEL) as pool:
        found = list(pool.map(lambda item: _collection(cluster, item[0], set(item[1])), wanted.items()))
    return {path: live for part in found for path, live in part.items()}


def _collection(cluster: Cluster, path: str, names: set[str]) -> dict[str, dict[str, Any]]:
    if len(names) > FEW:
        try:
            return _listed(cluster, path, names)
        except AuthError:
            pass  # a role may grant get without list
    found = {f"{path}/{name}": cluster.get(f"{path}/{name}") for name in names}
    return {key: live for key, live in found.items() if live is not None}


def _listed(cluster: Cluster, path: str, names: set[str]) -> dict[str, dict[str, Any]]:
    status, answer = cluster.request("GET", path)
    if status == 404:
        return {}  # the namespace, or the kind, is still to come
    if status != 200:
        raise unexpected(cluster.name, "GET", path, status, answer)
    kind = str(answer.get("kind", "")).removesuffix("List")
    identity = {"apiVersion": answer.get("apiVersion"), "kind": kind}  # which a list leaves out of its items
    return {
        f"{path}/{item['metadata']['name']}": {**identity, **item}
        for item in answer["items"]
        if item["metadata"]["name"] in names
    }


def by_collection(paths: Iterable[str]) -> dict[str, list[str]]:
    """Object paths as `snapshot` wants them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        collection, _, name = path.rpartition("/")
        found[collection].append(name)
    return found
