"""What has to be done once, inside of the world, while it starts: `python -m local.world.tasks NAME`."""

import json
import ssl
import sys
import time
from http.client import HTTPSConnection
from typing import Any

from local import names
from local.world import images, paths, probes

PATIENCE = 60.0  # seconds until a task gives up


class ApiError(Exception):
    """The API server refused a request."""


class Api:
    """The cluster's API as its administrator."""

    def __init__(self) -> None:
        self.tls: ssl.SSLContext = probes.tls(paths.PKI / "ca.crt", paths.PKI / "admin.crt", paths.PKI / "admin.key")()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The decoded answer. Raises ApiError with the server's own words."""
        connection = HTTPSConnection(names.NODE_ADDRESS, names.API_SERVER_PORT, timeout=10, context=self.tls)
        try:
            content = json.dumps(body) if body is not None else None
            connection.request(method, path, content, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise ApiError(f"{method} {path}: {response.status} {answer.decode(errors='replace')[:1000]}")
        return json.loads(answer)


def _binding(name: str, role: str, user: str) -> dict[str, object]:
    group = "rbac.authorization.k8s.io"
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def objects() -> None:
    """The deployer's role, as "Azure Kubernetes Service RBAC Cluster Admin" gives it, and the cluster's DNS."""
    api = Api()
    rbac, dns = "/apis/rbac.authorization.k8s.io/v1", "/api/v1/namespaces/kube-system/services"
    api.request("POST", f"{rbac}/clusterrolebindings", _binding("deployer", "cluster-admin", names.DEPLOYER_OID))
    reads = [
        {"apiGroups": [""], "resources": ["services", "namespaces", "pods", "nodes"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    api.request("POST", f"{rbac}/clusterroles", {"metadata": {"name": "system:coredns"}, "rules": reads})
    api.request("POST", f"{rbac}/clusterrolebindings", _binding("system:coredns", "system:coredns", "system:coredns"))
    protocols = ("UDP", "TCP")
    api.request(
        "POST",
        dns,
        {
            "metadata": {"name": "kube-dns", "labels": {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}},
            "spec": {
                "clusterIP": names.DNS_ADDRESS,
                "ports": [{"name": f"dns-{p.lower()}", "port": 53, "protocol": p} for p in protocols],
            },
        },
    )
    api.request(
        "POST",
        "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
        {
            "metadata": {"name": "kube-dns", "labels": {"kubernetes.io/service-name": "kube-dns"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [names.NODE_ADDRESS], "conditions": {"ready": True}}],
            "ports": [{"name": f"dns-{p.lower()}", "port": names.DNS_PORT, "protocol": p} for p in protocols],
        },
    )


def _schedulable(node: dict[str, Any]) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node["status"].get("conditions", []))
    return ready and not node["spec"].get("taints")


def node() -> None:
    """Waits until the node takes Pods, and the default namespace has the service account that they run as."""
    api = Api()
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if _schedulable(api.request("GET", f"/api/v1/nodes/{names.NODE}")):
                api.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")
                return
        except ApiError as error:
            print(error, flush=True)
        if time.monotonic() > deadline:
            sys.exit(f"{names.NODE} takes no Pods after {PATIENCE:.0f} s: see kubelet.log and containerd.log")
        time.sleep(0.1)


def base_images() -> None:
    for name, target in images.BASE_IMAGES.items():
        images.push(images.IMAGES / name, target)


TASKS = {"objects": objects, "pause": images.load_pause, "node": node, "base-images": base_images}

if __name__ == "__main__":
    TASKS[sys.argv[1]]()
