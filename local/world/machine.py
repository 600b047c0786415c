"""What the world changes on the machine outside of its own directory, and how that is undone."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local import names
from local.world import namespaces, network, paths

# Kernel parameters that kubelet, kube-proxy and the bridge plugin set.
_PARAMETERS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/bridge/bridge-nf-call-iptables",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/ip_forward",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


@dataclass
class Undo:
    """What was otherwise before. Recorded before anything is changed, so that a kill at any point can be undone."""

    parameters: dict[str, str] = field(default_factory=dict)
    directories: list[str] = field(default_factory=list)
    address_added: bool = False

    def save(self) -> None:
        fresh = paths.UNDO.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)))
        fresh.replace(paths.UNDO)

    @classmethod
    def load(cls) -> "Undo":
        try:
            return cls(**json.loads(paths.UNDO.read_text()))
        except FileNotFoundError:
            return cls()


def _parameter(name: str) -> Path:
    return Path("/proc/sys") / name


def prepare(cluster: bool) -> None:
    """Mount points for the world's private directories; for a cluster, its cgroup and the node's address too."""
    missing = [directory for directory in paths.PRIVATE_DIRECTORIES if not directory.exists()]
    undo = Undo(directories=[str(directory) for directory in missing])
    if cluster:
        undo.parameters = {n: _parameter(n).read_text().strip() for n in _PARAMETERS if _parameter(n).exists()}
        undo.address_added = not network.has_address()
    undo.save()
    for directory in missing:
        directory.mkdir(parents=True, exist_ok=True)
    for hierarchy in _cgroup_hierarchies():
        _make_cgroup(hierarchy)
    if undo.address_added:
        network.add_address()


def restore() -> None:
    """Undoes everything, also twice, also after a kill half-way; the world's directory goes last."""
    if not names.STATE.exists():
        return
    undo = Undo.load()
    network.remove(undo.address_added)
    for name, value in undo.parameters.items():
        if _parameter(name).read_text().strip() != value:
            _parameter(name).write_text(value)
    for hierarchy in _cgroup_hierarchies():
        _remove_cgroup(hierarchy / paths.CGROUP)
    for directory in undo.directories:
        with contextlib.suppress(OSError):  # it has got somebody else's content meanwhile
            Path(directory).rmdir()
    for mount in _mounts_below(names.STATE):
        namespaces.detach(mount)
    shutil.rmtree(names.STATE)


def _mounts() -> Iterator[tuple[str, Path]]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _device, point, kind, *_ = line.split()
        yield kind, Path(point)


def _mounts_below(directory: Path) -> list[Path]:
    return sorted((point for _, point in _mounts() if point.is_relative_to(directory)), reverse=True)


def _cgroup_hierarchies() -> list[Path]:
    return [point for kind, point in _mounts() if kind in ("cgroup", "cgroup2")]


def _make_cgroup(hierarchy: Path) -> None:
    own = hierarchy / paths.CGROUP
    own.mkdir(exist_ok=True)
    controllers = hierarchy / "cgroup.controllers"  # version 2 only: its controllers have to be handed down
    if controllers.exists():
        enable = " ".join(f"+{controller}" for controller in controllers.read_text().split())
        if enable:
            for directory in (hierarchy, own):
                (directory / "cgroup.subtree_control").write_text(enable)


def _remove_cgroup(cgroup: Path) -> None:
    """Bottom up. A cgroup whose last process has just died stays busy for a moment."""
    if not cgroup.exists():
        return
    deadline = time.monotonic() + 5
    for directory, _, _ in os.walk(cgroup, topdown=False):
        while True:
            try:
                Path(directory).rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
