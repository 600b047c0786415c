"""The configuration files of the world's components, as text; `write()` puts them in place."""

import json
from pathlib import Path

import yaml

from local import names
from local.cloud.acr import ISSUER as TOKEN_ISSUER
from local.world import paths
from local.world.images import PAUSE

_CAP_SYS_RESOURCE = 24  # <linux/capability.h>
AKS_SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the audience of every Entra token for AKS


def _lacks_sys_resource(status: str) -> bool:
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1]
    return not int(effective, 16) >> _CAP_SYS_RESOURCE & 1


def containerd(process_status: str) -> str:
    """containerd 1.6 with the CRI plugin; `process_status` is the text of /proc/self/status.

    Without CAP_SYS_RESOURCE nobody may lower an oom_score_adj, and every sandbox would die of trying.
    """
    return f"""\
version = 2
root = "{paths.DATA}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs",
    "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{paths.CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  restrict_oom_score_adj = {str(_lacks_sys_resource(process_status)).lower()}
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{paths.CONFIG}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{paths.CONFIG}/certs.d"
"""


def docker_hub_mirror() -> str:
    """containerd's hosts.toml for docker.io: base images come from the world's mirror first."""
    return f"""\
server = "https://registry-1.docker.io"
[host."http://127.0.0.1:{names.MIRROR_PORT}"]
  capabilities = ["pull", "resolve"]
"""


def pod_network() -> str:
    """A bridge with one address range; hairpin so that a Pod can reach itself through its Service."""
    bridge = {
        "type": "bridge",
        "bridge": paths.BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": names.POD_NETWORK}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, portmap]}, indent=1)


def kubelet() -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": names.NODE_ADDRESS,
            "port": names.KUBELET_PORT,
            "healthzPort": names.KUBELET_HEALTHZ_PORT,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(paths.PKI / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(paths.PKI / "kubelet.crt"),
            "tlsPrivateKeyFile": str(paths.PKI / "kubelet.key"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{paths.CGROUP}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [names.DNS_ADDRESS],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{paths.CONTAINERD_SOCKET}",
            "podLogsDir": str(paths.DATA / "pod-logs"),
            "volumePluginDir": str(paths.DATA / "kubelet-plugins"),
            "nodeStatusUpdateFrequency": "2s",
            "registryPullQPS": 0,
            "serializeImagePulls": False,
            # The machine's disk is the user's: only a full one is our business, and images are never collected.
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
        }
    )


def image_credentials() -> str:
    """kubelet asks a plugin for ACR's credentials, as AKS's nodes do."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1",
            "kind": "CredentialProviderConfig",
            "providers": [
                {
                    "name": "acr-credential-provider",
                    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
                    "matchImages": ["*.azurecr.io"],
                    "defaultCacheDuration": "10m",
                }
            ],
        }
    )


def acr_credential_provider() -> str:
    return f"""\
#!/bin/sh
# kubelet's request on stdin names the image; the node may pull all of them.
exec cat {paths.CLOUD}/pull-credentials.json
"""


def entra_authentication(certificate_authority: str) -> str:
    """AKS's Entra integration as the API server's own structured authentication: users are named by object id."""
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AuthenticationConfiguration",
            "jwt": [
                {
                    "issuer": {
                        "url": f"https://login.microsoftonline.com/{names.TENANT}/v2.0",
                        "audiences": [AKS_SERVER_APPLICATION],
                        "certificateAuthority": certificate_authority,
                    },
                    "claimMappings": {
                        "username": {"claim": "oid", "prefix": ""},
                        "groups": {"claim": "groups", "prefix": ""},
                    },
                }
            ],
        }
    )


def coredns() -> str:
    return f"""\
.:{names.DNS_PORT} {{
    bind {names.NODE_ADDRESS}
    errors
    ready 127.0.0.1:{names.DNS_READY_PORT}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {paths.PKI}/coredns.kubeconfig
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }}
    forward . /etc/resolv.conf
    cache 5
}}
"""


def registry() -> str:
    """docker-registry behind the ACR double: clients get their tokens from the double's exchange."""
    return yaml.safe_dump(
        {
            **_registry_base("registry", names.REGISTRY_PORT, host=f"https://{names.REGISTRY}"),
            "auth": {
                "token": {
                    "realm": f"https://{names.REGISTRY}/oauth2/token",
                    "service": names.REGISTRY,
                    "issuer": TOKEN_ISSUER,
                    "rootcertbundle": str(paths.CLOUD / "registry-root.pem"),
                }
            },
        }
    )


def mirror() -> str:
    return yaml.safe_dump(_registry_base("mirror", names.MIRROR_PORT, host=""))


def _registry_base(directory: str, port: int, host: str) -> dict[str, object]:
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(paths.DATA / directory)}, "delete": {"enabled": True}},
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": "signs the state of uploads; one server, so nobody shares it",
            **({"host": host} if host else {}),
        },
    }


def buildkitd() -> str:
    return f"""\
root = "{paths.DATA}/buildkit"
[grpc]
  address = ["unix://{paths.BUILDKIT_SOCKET}"]
[otel]
  socketPath = "{names.STATE}/buildkit-otel.sock"
[cdi]
  disabled = true
[worker.containerd]
  enabled = false
[worker.oci]
  enabled = true
  snapshotter = "overlayfs"
  defaultCgroupParent = "/{paths.CGROUP}/buildkit"
[registry."docker.io"]
  mirrors = ["127.0.0.1:{names.MIRROR_PORT}"]
[registry."127.0.0.1:{names.MIRROR_PORT}"]
  http = true
"""


def write(process_status: str) -> None:
    """Writes every file but the API server's authentication, which waits for the doubles' CA."""
    files = {
        "containerd.toml": containerd(process_status),
        "certs.d/docker.io/hosts.toml": docker_hub_mirror(),
        "cni/10-bridge.conflist": pod_network(),
        "kubelet.yaml": kubelet(),
        "image-credentials.yaml": image_credentials(),
        "credential-providers/acr-credential-provider": acr_credential_provider(),
        "Corefile": coredns(),
        "registry.yaml": registry(),
        "mirror.yaml": mirror(),
        "buildkitd.toml": buildkitd(),
    }
    for name, text in files.items():
        target: Path = paths.CONFIG / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (paths.CONFIG / "credential-providers" / "acr-credential-provider").chmod(0o700)
