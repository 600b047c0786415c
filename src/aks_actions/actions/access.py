"""To the cluster that an action's inputs name: AKS by the job's identity, or any other by a kubeconfig."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from ..errors import InputError
from ..inputs import Lines
from ..job import Job
from ..kube import review
from ..kube.auth import Token
from ..kube.client import Cluster
from ..kube.config import connect, load


class Target(Protocol):
    """The inputs that say which cluster; actions that reach one declare them all."""

    @property
    def resource_group(self) -> str: ...
    @property
    def cluster_name(self) -> str: ...
    @property
    def subscription_id(self) -> str: ...
    @property
    def tenant_id(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def kubeconfig(self) -> str: ...
    @property
    def context(self) -> str: ...
    @property
    def allow_exec(self) -> Lines: ...


def cluster(inputs: Target, job: Job) -> Cluster:
    """Connect. Raises InputError, AuthError and TransientError, each naming what refused."""
    if inputs.cluster_name:
        return _aks(inputs, job)
    return _by_kubeconfig(inputs, job)


def identity(inputs: Target, cluster: Cluster) -> str:
    """How we reach the cluster, and as whom. Raises AuthError where the cluster refuses us."""
    way = f"Entra → AKS {inputs.cluster_name}" if inputs.cluster_name else f"kubeconfig → {cluster.name}"
    user = review.user(cluster)
    return f"{way}, as {user}" if user else way


def _aks(inputs: Target, job: Job) -> Cluster:
    missing = [name for name in ("resource-group", "subscription-id") if not getattr(inputs, name.replace("-", "_"))]
    if missing:
        raise InputError(
            f"{' and '.join(missing)} missing for cluster-name {inputs.cluster_name}",
            why="Azure finds a cluster by subscription, resource group and name. An unset variable reads as empty.",
            do="az aks list --query '[].{name:name, group:resourceGroup, id:id}' -o table",
        )
    from ..azure.aks import server_token, user_kubeconfig
    from ..azure.credential import credential

    identity = credential(job, inputs.tenant_id, inputs.client_id)
    config = user_kubeconfig(identity, inputs.subscription_id, inputs.resource_group, inputs.cluster_name)

    def token(fresh: bool) -> Token:
        found = server_token(identity, fresh=fresh)
        return Token(found.token, float(found.expires_on))

    # A cluster with local accounts gives a kubeconfig with a certificate or token of its own instead of `exec`.
    by_entra = any("exec" in (item.get("user") or {}) for item in config.get("users") or [])
    return connect(
        config,
        context=inputs.context,
        token=token if by_entra else None,
        mask=job.mask,
        wait=job.sleep,
        notice=lambda line: job.log.line(f"  {line}"),
    )


def _by_kubeconfig(inputs: Target, job: Job) -> Cluster:
    named = inputs.kubeconfig or job.environ.get("KUBECONFIG", "")
    # Of several files the first that exists: merging them is kubectl's business.
    candidates = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    if not candidates:
        candidates = [Path("~/.kube/config").expanduser()]
    path = next((candidate for candidate in candidates if candidate.exists()), None)
    if path is None:
        raise InputError(
            f"there is no kubeconfig at {', '.join(map(str, candidates))}, and no cluster-name was given",
            why="AKS is reached by cluster-name, resource-group and subscription-id, any other by a kubeconfig.",
            do="Pass one or the other.",
        )
    return connect(
        load(path),
        base=path.parent,
        context=inputs.context,
        allow_exec=inputs.allow_exec,
        mask=job.mask,
        wait=job.sleep,
        notice=lambda line: job.log.line(f"  {line}"),
    )
