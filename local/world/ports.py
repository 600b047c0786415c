"""Are the world's ports free, and if not, whose are they?"""

import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from local import names
from local.world.errors import UNUSABLE, WorldError
from local.world.state import processes

_LISTEN = "0A"  # include/net/tcp_states.h


@dataclass(frozen=True)
class Port:
    purpose: str
    number: int
    address: str = "127.0.0.1"


def wanted(cluster: bool) -> list[Port]:
    """Every address that the world listens on."""
    always = [
        Port("the doubles of Azure and GitHub", 443, names.CLOUD_ADDRESS),
        Port("the registry", names.REGISTRY_PORT),
        Port("the base images' registry", names.MIRROR_PORT),
    ]
    of_the_cluster = [
        Port("etcd", names.ETCD_PORT),
        Port("etcd's peers", names.ETCD_PEER_PORT),
        Port("the API server", names.API_SERVER_PORT, names.NODE_ADDRESS),
        Port("kube-controller-manager", names.CONTROLLER_MANAGER_PORT),
        Port("kube-scheduler", names.SCHEDULER_PORT),
        Port("kubelet", names.KUBELET_PORT, names.NODE_ADDRESS),
        Port("kubelet's health", names.KUBELET_HEALTHZ_PORT),
        Port("kube-proxy's health", names.PROXY_HEALTHZ_PORT),
        Port("kube-proxy's metrics", names.PROXY_METRICS_PORT),
        Port("the cluster's DNS", names.DNS_PORT, names.NODE_ADDRESS),
        Port("the DNS server's readiness", names.DNS_READY_PORT),
    ]
    return [*always, *(of_the_cluster if cluster else [])]


def require_free(ports: list[Port]) -> None:
    """Raises WorldError that names every port in use, who has it, and what to do."""
    taken = [port for port in ports if not _is_free(port)]
    if not taken:
        return
    lines = [f"  {port.address}:{port.number} ({port.purpose}) is held by {_holder(port)}" for port in taken]
    raise WorldError(
        "\n".join(
            [
                "The world can't start: ports that it needs are in use.",
                *lines,
                "End what holds them, or give the world another port in local/names.py, and try again.",
            ]
        ),
        UNUSABLE,
    )


def _is_free(port: Port) -> bool:
    with socket.socket() as probe:
        # As the servers do: connections that have ended but linger (TIME_WAIT) don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The node's address may not be there yet.
        probe.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_FREEBIND", 15), 1)
        try:
            probe.bind((port.address, port.number))
            probe.listen(1)
        except OSError:
            return False
        return True


def _holder(port: Port) -> str:
    inodes = _listening(port)
    for pid in processes():
        try:
            descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
            if any(str(descriptor.readlink()) in inodes for descriptor in descriptors):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                return f"process {pid}: {command.strip()[:120]}"
        except OSError:  # it has ended, or a descriptor was closed while we looked
            continue
    return "a process that is not visible from here"


def _listening(port: Port) -> set[str]:
    """Sockets, as /proc/PID/fd names them, that listen on the port at its address or at all addresses."""
    (own,) = struct.unpack("=I", socket.inet_aton(port.address))
    addresses = {f"{own:08X}", "0" * 8, "0" * 32}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, number = fields[1].split(":")
            if fields[3] == _LISTEN and int(number, 16) == port.number and address in addresses:
                found.add(f"socket:[{fields[9]}]")
    return found
