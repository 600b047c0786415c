"""Who exists in the double's Entra tenant, and what each may do: one table, read by every service.

Actions are written as in Azure's built-in role definitions.
"""

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

from local import names

OIDC_ISSUER = "https://token.actions.githubusercontent.com"
FEDERATION_AUDIENCE = "api://AzureADTokenExchange"


class Action(StrEnum):
    """What the double asks before it acts."""

    CLUSTER_READ = "Microsoft.ContainerService/managedClusters/read"
    CLUSTER_USER = "Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"
    CLUSTER_ADMIN = "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action"
    RUN_COMMAND = "Microsoft.ContainerService/managedClusters/runcommand/action"
    COMMAND_RESULT = "Microsoft.ContainerService/managedClusters/commandResults/read"
    KEY_READ = "Microsoft.KeyVault/vaults/keys/read"
    KEY_ENCRYPT = "Microsoft.KeyVault/vaults/keys/encrypt/action"
    KEY_DECRYPT = "Microsoft.KeyVault/vaults/keys/decrypt/action"
    KEY_WRAP = "Microsoft.KeyVault/vaults/keys/wrap/action"
    KEY_UNWRAP = "Microsoft.KeyVault/vaults/keys/unwrap/action"
    SECRET_GET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
    SECRET_SET = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
    SECRET_LIST = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
    IMAGE_PULL = "Microsoft.ContainerRegistry/registries/pull/read"
    IMAGE_PUSH = "Microsoft.ContainerRegistry/registries/push/write"


ROLES: dict[str, tuple[str, ...]] = {
    "Azure Kubernetes Service Contributor Role": ("Microsoft.ContainerService/managedClusters/*",),
    "Key Vault Crypto User": ("Microsoft.KeyVault/vaults/keys/*",),
    "Key Vault Secrets Officer": ("Microsoft.KeyVault/vaults/secrets/*",),
    "AcrPull": (Action.IMAGE_PULL,),
    "AcrPush": (Action.IMAGE_PULL, Action.IMAGE_PUSH),
}


@dataclass(frozen=True)
class Application:
    """An app registration with its service principal."""

    name: str
    client_id: str
    object_id: str
    subjects: tuple[str, ...] = ()  # of federated credentials, all for GitHub's issuer and Entra's own audience
    secret: str | None = None
    roles: tuple[str, ...] = ()

    def may(self, action: Action) -> bool:
        return any(fnmatch.fnmatchcase(action, pattern) for role in self.roles for pattern in ROLES[role])


APPLICATIONS = (
    Application(
        "shop-deployer",
        names.CLIENT_ID,
        names.DEPLOYER_OID,
        subjects=names.SUBJECTS,
        roles=(
            "Azure Kubernetes Service Contributor Role",
            "Key Vault Crypto User",
            "Key Vault Secrets Officer",
            "AcrPush",
        ),
    ),
    Application("stranger", names.STRANGER_CLIENT_ID, names.STRANGER_OID, subjects=(names.STRANGER_SUBJECT,)),
    Application(
        "sops", names.SOPS_CLIENT_ID, names.SOPS_OID, secret=names.SOPS_CLIENT_SECRET, roles=("Key Vault Crypto User",)
    ),
    Application("aks-local-agentpool", names.KUBELET_CLIENT_ID, names.KUBELET_OID, roles=("AcrPull",)),
)
BY_CLIENT = {application.client_id: application for application in APPLICATIONS}
BY_OBJECT = {application.object_id: application for application in APPLICATIONS}
