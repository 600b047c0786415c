"""The AKS cluster that ARM tells about: the world's own, or an existing one."""

import base64
from pathlib import Path
from typing import Any

import yaml

from local import names
from local.cloud.entra import AKS_AUDIENCE

KUBELOGIN_CLIENT = "80faf920-1908-4b52-b5ef-a8e7bedfc67a"  # Azure's public client of kubelogin
VERSION = "1.34.4"


class Cluster:
    """`existing` is the kubeconfig of a cluster that is not the world's; it is handed out as it is."""

    identity = (
        f"/subscriptions/{names.SUBSCRIPTION}/resourceGroups/{names.RESOURCE_GROUP}/providers/Microsoft.ContainerService/managedClusters/"
        f"{names.CLUSTER}"
    )

    def __init__(self, state: Path, existing: Path | None = None) -> None:
        self._authority = state / "pki" / "ca.crt"
        self._existing = existing
        self.admin_kubeconfig = existing or state / "kubeconfig"

    def user_kubeconfig(self, form: str) -> bytes | None:
        """What `az aks get-credentials` would get, for format exec or azure; None while there is no authority."""
        if self._existing:
            return self._existing.read_bytes()
        if not self._authority.exists():
            return None
        user = f"clusterUser_{names.RESOURCE_GROUP}_{names.CLUSTER}"
        server = {
            "certificate-authority-data": base64.b64encode(self._authority.read_bytes()).decode(),
            "server": names.API_SERVER,
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": names.CLUSTER, "cluster": server}],
            "contexts": [{"name": names.CLUSTER, "context": {"cluster": names.CLUSTER, "user": user}}],
            "current-context": names.CLUSTER,
            "preferences": {},
            "users": [{"name": user, "user": auth_provider_user() if form == "azure" else exec_user()}],
        }
        return yaml.safe_dump(config, sort_keys=False).encode()

    def resource(self) -> dict[str, Any]:
        ready = self._existing is not None or self._authority.exists()
        pool = {
            "name": "agentpool",
            "count": 1,
            "vmSize": "Standard_D2s_v5",
            "mode": "System",
            "type": "VirtualMachineScaleSets",
            "osType": "Linux",
            "orchestratorVersion": VERSION,
            "currentOrchestratorVersion": VERSION,
            "provisioningState": "Succeeded",
            "powerState": {"code": "Running"},
        }
        return {
            "id": self.identity,
            "name": names.CLUSTER,
            "location": "westeurope",
            "type": "Microsoft.ContainerService/ManagedClusters",
            "tags": {},
            "sku": {"name": "Base", "tier": "Free"},
            "identity": {"type": "SystemAssigned", "principalId": names.KUBELET_OID, "tenantId": names.TENANT},
            "properties": {
                "provisioningState": "Succeeded" if ready else "Creating",
                "powerState": {"code": "Running"},
                "kubernetesVersion": VERSION,
                "currentKubernetesVersion": VERSION,
                "dnsPrefix": names.CLUSTER,
                "fqdn": names.NODE_ADDRESS,
                "enableRBAC": True,
                "disableLocalAccounts": True,
                "nodeResourceGroup": f"MC_{names.RESOURCE_GROUP}_{names.CLUSTER}_westeurope",
                "aadProfile": {"managed": True, "enableAzureRBAC": False, "tenantID": names.TENANT},
                "agentPoolProfiles": [pool],
                "identityProfile": {
                    "kubeletidentity": {"clientId": names.KUBELET_CLIENT_ID, "objectId": names.KUBELET_OID},
                },
            },
        }


def exec_user() -> dict[str, Any]:
    arguments = ["get-token", "--environment", "AzurePublicCloud", "--server-id", AKS_AUDIENCE]
    arguments += ["--client-id", KUBELOGIN_CLIENT, "--tenant-id", names.TENANT, "--login", "devicecode"]
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "args": arguments,
        "command": "kubelogin",
        "env": None,
        "installHint": "\nkubelogin is not installed which is required to connect to AAD enabled cluster.\n",
        "provideClusterInfo": False,
    }
    return {"exec": plugin}


def auth_provider_user() -> dict[str, Any]:
    config = {
        "apiserver-id": AKS_AUDIENCE,
        "client-id": KUBELOGIN_CLIENT,
        "config-mode": "1",
        "environment": "AzurePublicCloud",
        "tenant-id": names.TENANT,
    }
    return {"auth-provider": {"name": "azure", "config": config}}
