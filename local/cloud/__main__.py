"""`python -m local.cloud --state DIR`: serves the doubles until told to stop. `files` lists what it leaves in DIR."""

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from local import names
from local.cloud import files
from local.cloud.access import Gate
from local.cloud.acr import TOKEN_USER, ContainerRegistry
from local.cloud.arm import ResourceManager
from local.cloud.authority import load_authority, server_context, token_certificate
from local.cloud.cluster import Cluster
from local.cloud.entra import ACR_AUDIENCE, AKS_AUDIENCE, ARM_AUDIENCE, VAULT_AUDIENCE, Entra
from local.cloud.entra_discovery import HOST
from local.cloud.github_oidc import GitHubOidc
from local.cloud.github_rest import GitHubRest
from local.cloud.google_accounts import GoogleAccounts
from local.cloud.google_kms import CloudKms
from local.cloud.google_oauth import GoogleOAuth
from local.cloud.hashicorp_vault import HashiCorpVault
from local.cloud.identities import BY_OBJECT
from local.cloud.keys import SigningKey, kept_secret
from local.cloud.keyvault import KeyVault
from local.cloud.registry_proxy import RegistryProxy
from local.cloud.run_command import RunCommands
from local.cloud.runner import ensure_key
from local.cloud.server import CloudServer
from local.cloud.wire import Service

PULL_SECONDS = 30 * 24 * 3600  # the kubelet's refresh token; renewed at each start


def main() -> None:
    options = arguments()
    state = files.StateFiles(options.state)
    state.cloud.mkdir(parents=True, exist_ok=True)
    state.ready.unlink(missing_ok=True)
    authority = load_authority(state.cloud)
    files.write(state.bundle, bundle(authority.cert_pem.bytes().decode()).encode())
    files.write(state.hosts, files.hosts(files.ETC_HOSTS.read_text(), names.CLOUD_HOSTS, options.address).encode())
    services = build_services(options, state)
    context = server_context(authority, [*names.CLOUD_HOSTS, options.address])
    try:
        server = CloudServer((options.address, options.port), context, services)
    except OSError as error:
        sys.exit(f"the cloud cannot listen on {options.address}:{options.port}: {error.strerror}")
    with server:
        # From another thread: shutdown() waits for serve_forever(), which the handler has interrupted.
        def stop(*_: object) -> None:
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        state.ready.touch()
        print(f"the cloud listens on {options.address}:{options.port}", flush=True)
        server.serve_forever(poll_interval=0.1)
    state.ready.unlink(missing_ok=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.cloud", description=__doc__)
    parser.add_argument("--state", type=Path, default=names.STATE)
    parser.add_argument("--address", default=names.CLOUD_ADDRESS)
    parser.add_argument("--port", type=int, default=443)
    parser.add_argument(
        "--registry-port", type=int, default=names.REGISTRY_PORT, help="docker-registry's, on 127.0.0.1"
    )
    parser.add_argument("--kubeconfig", type=Path, help="of an existing cluster, in place of the world's own")
    return parser.parse_args()


def build_services(options: argparse.Namespace, state: files.StateFiles) -> dict[str, Service]:
    """Every double, by the host name that it answers at."""
    github = GitHubOidc(SigningKey.load(state.cloud / "github-oidc.key"), options.state)
    entra = Entra(SigningKey.load(state.cloud / "entra.key"), github.key)
    cluster = Cluster(options.state, options.kubeconfig)
    commands = RunCommands(cluster.admin_kubeconfig, (options.state / "bin",))
    registry = container_registry(options, state, entra)
    ensure_key(options.state)
    google = GoogleAccounts(state.cloud)
    return {
        HOST: entra,
        options.address: entra,  # the API server fetches Entra's keys by address
        "management.azure.com": ResourceManager(
            Gate(entra.key, ARM_AUDIENCE), Gate(entra.key, AKS_AUDIENCE), cluster, commands
        ),
        f"{names.VAULT}.vault.azure.net": KeyVault(Gate(entra.key, VAULT_AUDIENCE)),
        names.REGISTRY: registry,
        "token.actions.githubusercontent.com": github,
        "api.github.com": GitHubRest(options.state),
        "oauth2.googleapis.com": GoogleOAuth(google),
        "cloudkms.googleapis.com": CloudKms(google, kept_secret(state.cloud / "google-kms.key")),
        names.HC_VAULT_HOST: HashiCorpVault(kept_secret(state.cloud / "hashicorp-vault.key")),
    }


def container_registry(options: argparse.Namespace, state: files.StateFiles, entra: Entra) -> ContainerRegistry:
    key = SigningKey.load(state.cloud / "registry.key")
    certificate = token_certificate(state.cloud / "registry-root.pem", key)
    proxy = RegistryProxy("127.0.0.1", options.registry_port)
    registry = ContainerRegistry(Gate(entra.key, ACR_AUDIENCE), key, certificate, proxy)
    password = registry.refresh_token(BY_OBJECT[names.KUBELET_OID], PULL_SECONDS)
    credentials = {
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderResponse",
        "cacheKeyType": "Registry",
        "cacheDuration": "10m0s",
        "auth": {names.REGISTRY: {"username": TOKEN_USER, "password": password}},
    }
    files.write(state.cloud / "pull-credentials.json", json.dumps(credentials).encode(), secret=True)
    return registry


def bundle(authority: str) -> str:
    return files.bundle(files.machine_authorities(os.environ), authority)


if __name__ == "__main__":
    main()
