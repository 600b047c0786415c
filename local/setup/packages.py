"""Debian packages that the world stands on."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.setup.progress import Report, Unfinished, run
from local.world.errors import UNUSABLE, WorldError
from local.world.paths import SYSTEM_PATH

_POLICY = Path("/usr/sbin/policy-rc.d")  # asked by Debian's maintainer scripts whether a service may start
_POLICY_TEXT = "#!/bin/sh\n# aks-actions: packages that are being installed start no services\nexit 101\n"


def _command(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name, path=SYSTEM_PATH) is not None


# Package → whether what we need of it is there, however it came.
EVERYWHERE: dict[str, Callable[[], bool]] = {
    "busybox-static": _command("busybox"),
    "docker-registry": _command("docker-registry"),
    "gnupg": _command("gpg"),
    "iproute2": _command("ip"),
    "mmdebstrap": _command("mmdebstrap"),
    "runc": _command("runc"),
}
FOR_A_CLUSTER: dict[str, Callable[[], bool]] = {
    "conntrack": _command("conntrack"),
    "containerd": _command("ctr"),
    "containernetworking-plugins": Path("/usr/lib/cni/bridge").exists,
    "iptables": _command("iptables-restore"),
    "socat": _command("socat"),
}


def missing(cluster: bool) -> list[str]:
    needed = EVERYWHERE | (FOR_A_CLUSTER if cluster else {})
    return sorted(package for package, is_there in needed.items() if not is_there())


def ensure(cluster: bool, log: Path, report: Report) -> None:
    """Installs what is missing with apt-get; where that can't be done, raises WorldError with the exact command."""
    wanted = missing(cluster)
    if not wanted:
        return
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *wanted]
    if os.geteuid() or not _command("apt-get")():
        raise WorldError(
            f"These Debian packages are missing: {', '.join(wanted)}.\n"
            f"They are installed by root on a machine with apt-get. Run:\n  sudo {' '.join(install)}",
            UNUSABLE,
        )
    environment = {**os.environ, "PATH": SYSTEM_PATH, "DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-o", "DPkg::Lock::Timeout=300"]
    report(f"installing Debian packages: {', '.join(wanted)}")
    try:
        run("apt-get update", ["apt-get", *patience, "update"], log, report, environment=environment)
    except WorldError as error:
        # A third party's broken source must not stop us: installing says whether ours work.
        report(f"apt-get update had problems: {str(error).splitlines()[-1].strip()}")
    with _no_services():
        command = [install[0], *patience, *install[1:]]
        run("apt-get install", command, log, report, environment=environment, describe=_last_step)
    still = missing(cluster)
    if still:
        raise WorldError(f"{', '.join(still)}: installed, but what the world needs of it is not there", UNUSABLE)


def _last_step(said: Unfinished) -> str:
    return said.last[:100]


@contextmanager
def _no_services() -> Iterator[None]:
    """containerd and docker-registry are ours to run, with our configuration: their packages start no service.

    The machine's own policy is left alone; ours is recognised by its text, should a kill leave it behind.
    """
    remove_policy()
    if _POLICY.exists():
        yield
        return
    try:
        _POLICY.write_text(_POLICY_TEXT)
        _POLICY.chmod(0o755)
        yield
    finally:
        remove_policy()


def remove_policy() -> None:
    """Removes our policy if it is there."""
    if _POLICY.exists() and _POLICY.read_text(errors="replace") == _POLICY_TEXT:
        _POLICY.unlink()
