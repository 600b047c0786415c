"""What an API server's refusals mean for the user: who was refused what, and what to grant."""

from __future__ import annotations

import re
from typing import Any

from ..errors import AuthError, Failure, RolloutFailed

# RBAC's own wording (k8s.io/apiserver, responsewriters.Forbidden); admission and quota word theirs otherwise.
_RBAC = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) (?:resource "(?P<resource>[^"]*)" in API group "(?P<group>[^"]*)"'
    r'(?: (?:in the namespace "(?P<namespace>[^"]*)"|at the cluster scope))?|path "(?P<path>[^"]*)")'
)


def network(error: Exception) -> str:
    """One clause for a request that got no answer."""
    import urllib3

    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name can't be resolved"
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return "no connection within 10 s"
    if isinstance(error, urllib3.exceptions.ReadTimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    return f"the connection broke ({type(error).__name__})"


def tls(cluster: str, server: str, reason: str) -> AuthError:
    return AuthError(
        f"cluster {cluster} at {server} can't be trusted: {reason}",
        why="Its certificate does not match the kubeconfig's certificate authority or server name, "
        "or it refused our client certificate.",
        do="Get the kubeconfig anew. Verification is never turned off by itself.",
    )


def unauthorized(cluster: str, with_token: bool, status: dict[str, Any]) -> AuthError:
    return AuthError(
        f"cluster {cluster} does not accept our {'token' if with_token else 'credentials'} (401)",
        why="The token is expired, of another audience, or of a tenant that the cluster does not trust."
        if with_token
        else "The kubeconfig's client certificate is expired or of another cluster, or it has no user at all.",
        do="On AKS, check that the cluster has Entra integration and that tenant-id is the cluster's tenant."
        if with_token
        else "Get the kubeconfig anew.",
        details=str(status.get("message", "")),
    )


def forbidden(cluster: str, method: str, path: str, status: dict[str, Any]) -> AuthError | None:
    """The AuthError for a 403 of authorization; None where admission or a quota refused."""
    message = str(status.get("message", ""))
    match = _RBAC.search(message)
    if not match:
        if status.get("kind") == "Status" and status.get("reason"):
            return None  # the API server's own answer: admission, a quota, a namespace that is terminating
        return AuthError(f"cluster {cluster} forbids {method} {path} (403)", details=message)
    if match["path"]:
        return AuthError(
            f"user {match['user']} may not {match['verb']} {match['path']} on cluster {cluster}", details=message
        )
    return missing(
        match["user"], match["verb"], match["group"], match["resource"], match["namespace"] or "", details=message
    )


def missing(user: str, verb: str, group: str, resource: str, namespace: str, *, details: str = "") -> AuthError:
    """A permission that RBAC does not give, and both ways to give it."""
    where = f"in namespace {namespace}" if namespace else "at cluster scope"
    kind = "role" if namespace else "clusterrole"
    target = f"{resource}.{group}" if group else resource
    scope = f" -n {namespace}" if namespace else ""
    part = " or the namespace" if namespace else ""
    role = "Azure Kubernetes Service RBAC Writer" if namespace else "Azure Kubernetes Service RBAC Cluster Admin"
    return AuthError(
        f"user {user} may not {verb} {target} {where}",
        why="RBAC gives this user no such permission.",
        do=f'With Azure RBAC, assign the role "{role}" on the cluster{part}; with Kubernetes RBAC:\n'
        f"kubectl create {kind} aks-actions-deploy --verb={verb} --resource={target}{scope}\n"
        f"kubectl create {kind}binding aks-actions-deploy --{kind}=aks-actions-deploy --user={user}{scope}",
        details=details,
    )


def unexpected(cluster: str, method: str, path: str, code: int, status: dict[str, Any]) -> Failure:
    """A refusal that no caller expects: told as it came."""
    return RolloutFailed(f"cluster {cluster} answered {method} {path} with {code}", why=str(status.get("message", "")))
