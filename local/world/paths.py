"""Where the local world keeps its files: everything below `names.STATE`, so that its end is one directory's end."""

import sys
from collections.abc import Mapping
from pathlib import Path

from local import names

BIN = names.STATE / "bin"
CONFIG = names.STATE / "config"
LOG = names.STATE / "log"
PKI = names.STATE / "pki"
CLOUD = names.STATE / "cloud"
DATA = names.STATE / "data"  # what the components themselves keep
PRIVATE = names.STATE / "private"  # stands, inside the world's mounts only, for the directories of PRIVATE_DIRECTORIES

HOSTS = names.STATE / "hosts"
BUNDLE = names.STATE / "bundle.pem"
CLOUD_CA = CLOUD / "ca.pem"
CLOUD_READY = CLOUD / "ready"
KUBECONFIG = names.STATE / "kubeconfig"
BUILDX_CONFIG = names.STATE / "buildx"
BUILDKIT_SOCKET = names.STATE / "buildkitd.sock"
CONTAINERD_SOCKET = names.STATE / "containerd.sock"

STATUS = names.STATE / "world.json"  # written by the supervisor at each change
ALIVE = names.STATE / "alive"  # locked by the supervisor as long as it lives
UNDO = names.STATE / "undo.json"  # what was changed outside of STATE, written before it is changed

NETWORK = Path("/proc/self/ns/net").stat().st_ino if sys.platform == "linux" else 0
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# A machine, to the world, is a network namespace; several of them may share the control groups.
CGROUP = f"aks-actions-world-{NETWORK}"
BRIDGE = "aks-world0"

# Paths that kubelet, CNI and runc can't be told to change: the world mounts directories of its own over them.
PRIVATE_DIRECTORIES = (
    Path("/run/containerd"),
    Path("/run/netns"),
    Path("/run/runc"),
    Path("/var/lib/cni"),
    Path("/var/lib/kubelet"),
    Path("/var/log/containers"),
    Path("/var/log/pods"),
)

_PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")


def proxy_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's HTTP proxies, kept away from the world's own names and networks; empty without a proxy."""
    proxies = {name: environ[name] for name in _PROXIES if environ.get(name)}
    if not proxies:
        return {}
    inherited = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    own = (
        *("localhost", "127.0.0.0/8", names.NODE_ADDRESS, names.POD_NETWORK, names.SERVICE_NETWORK),
        *names.CLOUD_HOSTS,
    )
    direct = ",".join([*filter(None, inherited.split(",")), *own])
    return {**proxies, "no_proxy": direct, "NO_PROXY": direct}


def component_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What every component sees: nothing of the caller's shell but its proxies."""
    return {
        "PATH": f"{BIN}:{SYSTEM_PATH}",
        "HOME": str(names.STATE),
        "LANG": "C.UTF-8",
        "SSL_CERT_FILE": str(BUNDLE),
        **proxy_environment(environ),
    }


def python_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """For components written in Python: the package, and the machine's own trust, of which the bundle is made."""
    trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    inherited = {name: environ[name] for name in trust if environ.get(name)}
    own = {name: value for name, value in component_environment(environ).items() if name != "SSL_CERT_FILE"}
    root = str(Path(__file__).resolve().parents[2])
    return {**own, **inherited, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def python_command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
