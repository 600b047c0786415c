"""Running commands where the cloud is: in a private mount namespace in which the doubles have their real names."""

import os
import shutil
import signal
from collections.abc import Mapping, Sequence

from local.world import namespaces, paths
from local.world.errors import NO_WORLD, WorldError
from local.world.state import Status, supervisor_lives

BUILDER = "world"
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def environment(environ: Mapping[str, str], builder: bool) -> dict[str, str]:
    """The caller's environment with the world's tools first, its trust, and (unless Docker builds) its builder."""
    return {
        **environ,
        **paths.proxy_environment(environ),
        **dict.fromkeys(_TRUST, str(paths.BUNDLE)),
        **({"BUILDX_CONFIG": str(paths.BUILDX_CONFIG), "BUILDX_BUILDER": BUILDER} if builder else {}),
        "PATH": f"{paths.BIN}:{environ.get('PATH') or paths.SYSTEM_PATH}",
    }


def enter(command: Sequence[str]) -> None:
    """Becomes `command`, inside: the same process, with the caller's terminal and signals. Raises WorldError."""
    status = Status.load()
    if status is None or not supervisor_lives():
        raise WorldError("There is no local world to enter: run `make world` first.", NO_WORLD)
    if status.phase != "ready":
        raise WorldError(f"The local world is {status.phase}: see `make world-status`.")
    inside = environment(os.environ, status.plan.builder)
    program = shutil.which(command[0], path=inside["PATH"])
    if program is None:
        raise WorldError(f"{command[0]}: there is no such command", 127)
    namespaces.private_mounts()
    namespaces.bind(paths.HOSTS, "/etc/hosts")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so over exec
    os.execve(program, list(command), inside)  # noqa: S606 - the user's own command
