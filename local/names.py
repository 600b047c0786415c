"""Every name, address and port of the local world: one table, read by all of it."""

from pathlib import Path

# The machine-wide home of the one world a machine has. Root's; gone after `make world-down`.
STATE = Path("/var/lib/aks-actions-world")
LOCK = Path("/run/lock/aks-actions-world.lock")  # held while a world is made, replaced or ended
IN_USE = Path("/run/lock/aks-actions-world.in-use")  # shared by users of a world, exclusive to replace it

# Azure, as the doubles know it.
TENANT = "2b7d5c1e-8f43-4a0b-9d6e-51c0a7e4f312"
SUBSCRIPTION = "5e0f9a34-6c1d-4b72-8a35-0d9be1f4c286"
RESOURCE_GROUP = "shop-rg"
CLUSTER = "aks-local"
REGISTRY = "worldacr.azurecr.io"
VAULT = "worldvault"
VAULT_URL = f"https://{VAULT}.vault.azure.net"
VAULT_KEY = "sops"
VAULT_DISABLED_KEY = "sops-disabled"
VAULT_KEY_VERSION = "16c7406144551a4a26ecb9336dc4a35e"
VAULT_KEY_URL = f"{VAULT_URL}/keys/{VAULT_KEY}/{VAULT_KEY_VERSION}"  # what `sops --azure-kv` takes
AGE_RECOVERY_RECIPIENT = "age1fwkym60wfye6q8w5vwh2ljncyjcnez3jppjr7nntxfht09893pqs0w8x97"  # local/cloud/recovery.agekey

# Entra's applications. The roles each one holds are in local/cloud/identities.py.
CLIENT_ID = "29b15a28-b66f-41cc-a3ec-d414abfb1d6e"  # may do everything a deploy needs
DEPLOYER_OID = "769cf41a-9be3-4595-9243-94e78ffd3a7e"
STRANGER_CLIENT_ID = "c4869c16-4962-4d53-acba-c67d1d5ce62d"  # can log in, holds no role
STRANGER_OID = "61ade50a-6e89-411b-9137-1fe5a9503445"
SOPS_CLIENT_ID = "195ff119-f957-4a2c-aa9e-fb7fb511196c"  # a person's sops: Key Vault's key only, by client secret
SOPS_OID = "084d2dfd-f088-40fa-b26e-4c8b79a73554"
SOPS_CLIENT_SECRET = "worthless-outside-the-local-world"
KUBELET_CLIENT_ID = "0522efda-e223-4883-817b-6d0f924dd72d"  # pulls images, nothing else
KUBELET_OID = "a0c3bd7a-5a5e-4d0e-9a3f-6b1f6f0f8d57"

# Google Cloud, as the doubles know it: its service accounts' keys are made per state directory.
GCP_PROJECT = "acme-shop"
GCP_KEY_RING = f"projects/{GCP_PROJECT}/locations/europe-west1/keyRings/sops"
GCP_KEY = f"{GCP_KEY_RING}/cryptoKeys/shop"  # what `sops --gcp-kms` takes
GCP_DISABLED_KEY = f"{GCP_KEY_RING}/cryptoKeys/shop-disabled"
GCP_DEPLOYER = f"shop-deployer@{GCP_PROJECT}.iam.gserviceaccount.com"  # may encrypt and decrypt
GCP_DECRYPTER = f"shop-runner@{GCP_PROJECT}.iam.gserviceaccount.com"  # may decrypt
GCP_STRANGER = f"stranger@{GCP_PROJECT}.iam.gserviceaccount.com"  # may do nothing

# HashiCorp Vault, as the doubles know it: a server of acme's own.
HC_VAULT_HOST = "vault.acme.example"
HC_VAULT_URL = f"https://{HC_VAULT_HOST}"
HC_VAULT_ENGINE = "transit"
HC_VAULT_KEY = "sops"
HC_VAULT_KEY_URL = f"{HC_VAULT_URL}/v1/{HC_VAULT_ENGINE}/keys/{HC_VAULT_KEY}"  # what `sops --hc-vault-transit` takes
HC_VAULT_ROOT_TOKEN = "hvs.root-worthless-outside-the-local-world"
HC_VAULT_TOKEN = "hvs.shop-worthless-outside-the-local-world"  # may use the key
HC_VAULT_STRANGER_TOKEN = "hvs.stranger-worthless-outside-the-local-world"  # may do nothing

# GitHub, as the doubles know it.
OWNER = "acme"
REPOSITORY = f"{OWNER}/shop"
SUBJECTS = (  # the deployer's federated credentials
    f"repo:{REPOSITORY}:ref:refs/heads/main",
    f"repo:{REPOSITORY}:environment:production",
    f"repo:{REPOSITORY}:environment:staging",
)
STRANGER_SUBJECT = f"repo:{REPOSITORY}:environment:stranger"

# The doubles' address; the names that lead to it inside `python -m local enter`.
CLOUD_ADDRESS = "127.77.0.1"
CLOUD_HOSTS = (
    "login.microsoftonline.com",
    "management.azure.com",
    f"{VAULT}.vault.azure.net",
    REGISTRY,
    "token.actions.githubusercontent.com",
    "api.github.com",
    "oauth2.googleapis.com",
    "cloudkms.googleapis.com",
    HC_VAULT_HOST,
)

# Loopback ports, away from the defaults that kind, minikube or k3s would hold.
API_SERVER_PORT = 17443
ETCD_PORT = 17379
ETCD_PEER_PORT = 17380
REGISTRY_PORT = 17500
KUBELET_PORT = 17250
KUBELET_HEALTHZ_PORT = 17248
CONTROLLER_MANAGER_PORT = 17257
SCHEDULER_PORT = 17259
PROXY_HEALTHZ_PORT = 17256
PROXY_METRICS_PORT = 17249
MIRROR_PORT = 17501  # base images, as Docker Hub names them; read by the builder and the node, no authentication
DNS_PORT = 17053
DNS_READY_PORT = 17181

# Documentation networks (RFC 5737): they collide with nobody's. The node's address is put on the loopback interface.
NODE = "node-1"
NODE_ADDRESS = "192.0.2.77"
API_SERVER = f"https://{NODE_ADDRESS}:{API_SERVER_PORT}"
POD_NETWORK = "198.51.100.0/24"
SERVICE_NETWORK = "203.0.113.0/24"
DNS_ADDRESS = "203.0.113.10"
