"""May we? SelfSubjectAccessReview for each verb and resource, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .client import Cluster
from .refusals import missing


class Permission(NamedTuple):
    """A verb on a resource; `namespace` empty for cluster scope."""

    verb: str
    group: str
    resource: str
    namespace: str

    def __str__(self) -> str:
        target = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {target} {f'in namespace {self.namespace}' if self.namespace else 'at cluster scope'}"


def check(cluster: Cluster, needed: Mapping[Permission, Iterable[str]]) -> None:
    """Raise AuthError that names every permission that is missing, not only the first.

    `needed` gives the names of the objects too: a role may be limited to some (`resourceNames`).
    """
    asked = sorted(needed)
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda permission: _granted(cluster, permission, needed[permission]), asked))
    lacking = [permission for permission, yes in zip(asked, granted, strict=True) if not yes]
    if not lacking:
        return
    error = missing(user(cluster) or "of this kubeconfig", *lacking[0])
    error.why += " Nothing was written."
    error.details = "Missing:\n" + "\n".join(map(str, lacking))
    raise error


def _granted(cluster: Cluster, permission: Permission, names: Iterable[str]) -> bool:
    return _allowed(cluster, permission, "") or all(_allowed(cluster, permission, name) for name in names)


def _allowed(cluster: Cluster, permission: Permission, name: str) -> bool:
    verb, group, resource, namespace = permission
    attributes = {"verb": verb, "group": group, "resource": resource, "namespace": namespace, "name": name}
    status, answer = cluster.request(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        body={
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        },
    )
    # A server that can't answer decides at the apply itself, in the same words.
    return status != 201 or bool(answer.get("status", {}).get("allowed"))


def user(cluster: Cluster) -> str:
    """Who we are to the cluster; empty where it can't say (before 1.28). Raises AuthError where we are nobody."""
    status, answer = cluster.request(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        body={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
    )
    name = answer.get("status", {}).get("userInfo", {}).get("username") if status == 201 else ""
    return str(name or "")
