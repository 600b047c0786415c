"""What a fresh machine lacks: Debian packages, Go binaries, base images. All but the packages is cached."""

from dataclasses import dataclass
from pathlib import Path

from local.setup import cache, golang, images, packages
from local.setup.progress import Report


@dataclass(frozen=True)
class Parts:
    """What a world is made of: programs and image layouts, each by the name that the world uses."""

    programs: dict[str, Path]
    images: dict[str, Path]


_CLUSTER = ("coredns", "etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet")


def prepare(cluster: bool, builder: bool, report: Report) -> Parts:
    """Everything that is needed, made or found. Raises WorldError; what was made before is kept for the next try."""
    with cache.one_maker(report):
        packages.ensure(cluster, cache.root() / "apt-get.log", report)
        programs = {"actionlint": golang.ensure(golang.ACTIONLINT, report) / "actionlint"}
        if cluster:
            kube = golang.ensure(golang.KUBE, report) / "kube"
            programs |= dict.fromkeys(_CLUSTER, kube)
        if builder:
            tools = golang.ensure(golang.TOOLS, report)
            programs |= {name: tools / name for name in ("buildkitd", "buildx")}
        layouts = {"busybox": images.busybox(report), "python": images.python(report)}
    return Parts(programs, layouts)
