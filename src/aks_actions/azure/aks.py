"""AKS: a cluster's kubeconfig by ARM, and tokens for its API server. No `az`, no kubelogin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import AuthError, Failure, InputError, TransientError
from .credential import Credential

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.core.exceptions import HttpResponseError

SERVER_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"  # AKS's own Entra application, the same in every tenant
ROLE = "Azure Kubernetes Service Cluster User Role"
# Azure's own default waits for minutes.
_PATIENCE: dict[str, Any] = {
    "retry_total": 5,
    "retry_backoff_factor": 0.5,
    "connection_timeout": 10,
    "read_timeout": 30,
}


def server_token(credential: Credential, *, fresh: bool = False) -> AccessToken:
    """A token for AKS API servers (`token`, `expires_on` in seconds of the epoch). Raises AuthError, TransientError."""
    return credential.get_token(SERVER_SCOPE, fresh=fresh)


def user_kubeconfig(credential: Credential, subscription: str, resource_group: str, name: str) -> dict[str, Any]:
    """The kubeconfig that ARM gives a user of the cluster: server and trust. Its `exec` user is kubelogin: replace it.

    Raises InputError (no such subscription, group or cluster), AuthError (role missing), TransientError.
    Source: managedClusters/listClusterUserCredential.
    """
    import yaml
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.mgmt.containerservice import ContainerServiceClient

    client = ContainerServiceClient(credential, subscription, **_PATIENCE)
    try:
        found = client.managed_clusters.list_cluster_user_credentials(resource_group, name, format="exec").kubeconfigs
    except HttpResponseError as error:
        raise _refused(error, subscription, resource_group, name) from None
    except AzureError as error:
        raise TransientError(
            "Azure Resource Manager can't be reached",
            why=type(error).__name__,
            do="Run the job again.",
            details=str(error),
        ) from None
    finally:
        client.close()
    if not found or not found[0].value:
        raise InputError(
            f"cluster {name} gives no kubeconfig to its users",
            why="ARM answered with an empty list of credentials.",
            do=f"az aks get-credentials -g {resource_group} -n {name} --format exec --file -",
        )
    config = yaml.safe_load(bytes(found[0].value))
    if not isinstance(config, dict):
        raise InputError(f"ARM's kubeconfig of cluster {name} is no mapping")
    return config


def _refused(error: HttpResponseError, subscription: str, resource_group: str, name: str) -> Failure:
    status, code = error.status_code or 0, getattr(error.error, "code", "") or ""
    raw = str(error)
    if code in {"SubscriptionNotFound", "InvalidSubscriptionId"}:
        return InputError(
            f"subscription {subscription} can't be found",
            why="It does not exist in this tenant, or this identity holds no role anywhere in it.",
            do="az account list --query '[].{name:name, id:id}' -o table",
            details=raw,
        )
    if status == 404 and code == "ResourceGroupNotFound":
        return InputError(
            f"resource group {resource_group} can't be found, and so cluster {name} can't",
            why=f"Subscription {subscription} has no resource group of that name.",
            do=f"az aks list --subscription {subscription} -o table",
            details=raw,
        )
    if status == 404:
        return InputError(
            f"cluster {name} can't be found in resource group {resource_group}",
            why=f"Subscription {subscription} has no managed cluster of that name there.",
            do=f"az aks list --subscription {subscription} --resource-group {resource_group} -o table",
            details=raw,
        )
    if status in {401, 403}:
        scope = (
            f"/subscriptions/{subscription}/resourceGroups/{resource_group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{name}"
        )
        caller = re.search(r"client '([0-9A-Za-z-]+)'", raw)
        return AuthError(
            f"this identity may not get credentials of cluster {name} ({code or status})",
            why=f"It needs the role “{ROLE}” on the cluster; a new assignment takes some minutes to work.",
            do=f'az role assignment create --role "{ROLE}" \\\n'
            f"  --assignee {caller[1] if caller else 'CLIENT-ID'} \\\n  --scope {scope}",
            details=raw,
        )
    if status == 429 or status >= 500:
        return TransientError(
            f"Azure Resource Manager answered {status} each time", do="Run the job again.", details=raw
        )
    return InputError(
        f"Azure Resource Manager refused to give credentials of cluster {name} ({code or status})",
        why=getattr(error.error, "message", "") or "",
        details=raw,
    )
