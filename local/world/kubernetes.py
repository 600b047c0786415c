"""The cluster's processes: Kubernetes 1.34, etcd, containerd and CoreDNS on one node."""

from collections.abc import Mapping

from local import names
from local.world import paths, probes
from local.world.component import Component, binary, task


def _etcd() -> list[str]:
    client, peer = f"http://127.0.0.1:{names.ETCD_PORT}", f"http://127.0.0.1:{names.ETCD_PEER_PORT}"
    return [
        *(binary("etcd"), "--data-dir", str(paths.DATA / "etcd"), "--log-level", "warn"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"),
        "--unsafe-no-fsync",  # nothing in this world outlives it
    ]


def _api_server() -> list[str]:
    pki = paths.PKI
    flags = {
        "etcd-servers": f"http://127.0.0.1:{names.ETCD_PORT}",
        "bind-address": names.NODE_ADDRESS,
        "advertise-address": names.NODE_ADDRESS,
        "secure-port": names.API_SERVER_PORT,
        "tls-cert-file": pki / "apiserver.crt",
        "tls-private-key-file": pki / "apiserver.key",
        "client-ca-file": pki / "ca.crt",
        # No aggregated API is served, but controllers and scheduler complain without end when this is missing.
        "requestheader-client-ca-file": pki / "ca.crt",
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "authentication-config": paths.CONFIG / "authentication.yaml",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "service-cluster-ip-range": names.SERVICE_NETWORK,
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-client-certificate": pki / "apiserver-kubelet-client.crt",
        "kubelet-client-key": pki / "apiserver-kubelet-client.key",
    }
    return [binary("kube-apiserver"), *(f"--{flag}={value}" for flag, value in flags.items())]


def _controller_manager() -> list[str]:
    kubeconfig = paths.PKI / "controller-manager.kubeconfig"
    flags = {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "secure-port": names.CONTROLLER_MANAGER_PORT,
        "service-account-private-key-file": paths.PKI / "service-accounts.key",
        "root-ca-file": paths.PKI / "ca.crt",
        "cluster-signing-cert-file": paths.PKI / "ca.crt",
        "cluster-signing-key-file": paths.PKI / "ca.key",
        "use-service-account-credentials": "true",
        # The default, 20 a second, would only delay the controllers' start by 4 s.
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "node-monitor-period": "1s",  # a fresh node loses its not-ready taint at this pace
        "leader-elect": "false",
    }
    return [binary("kube-controller-manager"), *(f"--{flag}={value}" for flag, value in flags.items())]


def _scheduler() -> list[str]:
    kubeconfig = paths.PKI / "scheduler.kubeconfig"
    flags = {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "bind-address": "127.0.0.1",
        "secure-port": names.SCHEDULER_PORT,
        "leader-elect": "false",
    }
    return [binary("kube-scheduler"), *(f"--{flag}={value}" for flag, value in flags.items())]


def _kubelet() -> list[str]:
    flags = {
        "config": paths.CONFIG / "kubelet.yaml",
        "kubeconfig": paths.PKI / "kubelet.kubeconfig",
        "root-dir": paths.DATA / "kubelet",
        "hostname-override": names.NODE,
        "node-ip": names.NODE_ADDRESS,
        "image-credential-provider-config": paths.CONFIG / "image-credentials.yaml",
        "image-credential-provider-bin-dir": paths.CONFIG / "credential-providers",
    }
    return [binary("kubelet"), *(f"--{flag}={value}" for flag, value in flags.items())]


def _proxy() -> list[str]:
    flags = {
        "kubeconfig": paths.PKI / "proxy.kubeconfig",
        "hostname-override": names.NODE,
        "proxy-mode": "iptables",
        "cluster-cidr": names.POD_NETWORK,
        "healthz-bind-address": f"127.0.0.1:{names.PROXY_HEALTHZ_PORT}",
        "metrics-bind-address": f"127.0.0.1:{names.PROXY_METRICS_PORT}",
        # The machine's connection tracking stays as it is.
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": 0,
        "conntrack-tcp-timeout-close-wait": 0,
    }
    return [binary("kube-proxy"), *(f"--{flag}={value}" for flag, value in flags.items())]


def cluster(python: Mapping[str, str]) -> list[Component]:
    """Kubernetes and what it stands on; `python` is the environment of the parts written in Python."""
    tls = probes.tls(paths.PKI / "ca.crt", paths.PKI / "admin.crt", paths.PKI / "admin.key")
    unverified = probes.tls(None)  # self-signed by the component at each start
    local = "127.0.0.1"
    return [
        Component("etcd", _etcd(), (), probes.answers(local, names.ETCD_PORT, "/health")),
        Component(
            "kube-apiserver",
            _api_server(),
            ("etcd", "cloud"),
            probes.answers(names.NODE_ADDRESS, names.API_SERVER_PORT, "/readyz", tls),
        ),
        Component(
            "kube-controller-manager",
            _controller_manager(),
            ("kube-apiserver",),
            probes.answers(local, names.CONTROLLER_MANAGER_PORT, "/healthz", unverified),
        ),
        Component(
            "kube-scheduler",
            _scheduler(),
            ("kube-apiserver",),
            probes.answers(local, names.SCHEDULER_PORT, "/readyz", unverified),
        ),
        Component(
            "containerd",
            ["containerd", "--config", str(paths.CONFIG / "containerd.toml")],
            ("cloud",),
            probes.unix_socket(paths.CONTAINERD_SOCKET),
        ),
        Component(
            "kubelet",
            _kubelet(),
            ("kube-apiserver", "containerd"),
            probes.answers(local, names.KUBELET_HEALTHZ_PORT, "/healthz"),
        ),
        Component(
            "kube-proxy",
            _proxy(),
            ("kube-apiserver",),
            probes.answers(local, names.PROXY_HEALTHZ_PORT, "/livez"),
        ),
        Component("cluster-objects", task("objects"), ("kube-apiserver",), kind="task", environment=python),
        Component("pause-image", task("pause"), ("containerd",), kind="task", environment=python),
        Component(
            "coredns",
            [binary("coredns"), "-conf", str(paths.CONFIG / "Corefile")],
            ("cluster-objects",),
            probes.answers(local, names.DNS_READY_PORT, "/ready"),
        ),
        Component("node-ready", task("node"), ("kubelet", "kube-controller-manager"), kind="task", environment=python),
    ]
