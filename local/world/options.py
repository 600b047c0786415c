"""What the user wants of the world, from the environment, and what this machine allows."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import names
from local.world.errors import UNUSABLE, WorldError

ROOT = Path(__file__).resolve().parents[2]
# All that a running world is made of. The demonstration and the tests only use it.
_SOURCES = (
    *("local/names.py", "local/cloud/**/*", "local/world/**/*.py", "local/setup/**/*.py", "local/go/**/*"),
    "uv.lock",
)

_LIMITED = """\
The local world needs {needed}.
What works without it: `make lint`, `make unit`, and the actions themselves against a real cluster and real Azure
(`uv run aks-actions deploy --help`)."""


@dataclass(frozen=True)
class Options:
    existing_cluster: Path | None  # the kubeconfig of a cluster to use instead of the world's own
    docker: bool  # a Docker daemon builds, not the world's BuildKit

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Options":
        """WORLD_CLUSTER=existing with KUBECONFIG; WORLD_BUILDER=docker. Raises WorldError for anything else."""
        cluster = _choice(environ, "WORLD_CLUSTER", ("own", "existing"))
        builder = _choice(environ, "WORLD_BUILDER", ("buildkit", "docker"))
        return cls(_kubeconfig(environ) if cluster == "existing" else None, builder == "docker")

    def version(self) -> str:
        """Names exactly this world: made of these sources, with these options."""
        digest = hashlib.sha256(repr((self.existing_cluster, self.docker)).encode())
        for pattern in _SOURCES:
            for file in sorted(ROOT.glob(pattern)):
                if file.is_file() and file.suffix != ".pyc":
                    digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:12]


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, str]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise WorldError(f"{name}={value} is unknown: it is {' or '.join(choices)}.", UNUSABLE)
    return value


def _kubeconfig(environ: Mapping[str, str]) -> Path:
    path = environ.get("KUBECONFIG")
    if not path or not Path(path).is_file():
        raise WorldError(
            f"WORLD_CLUSTER=existing needs KUBECONFIG to name one kubeconfig file; it is {path or 'not set'}.", UNUSABLE
        )
    if Path(path).resolve() == (names.STATE / "kubeconfig").resolve():
        raise WorldError("KUBECONFIG is the local world's own: unset WORLD_CLUSTER to use that cluster.", UNUSABLE)
    return Path(path).resolve()


def kubectl() -> Path:
    """The kubectl of the locked environment."""
    return Path(sys.executable).with_name("kubectl")


def require_machine() -> None:
    """Raises WorldError where namespaces can't be had."""
    if sys.platform != "linux":
        raise WorldError(_LIMITED.format(needed="Linux: it lives in namespaces and control groups"), UNUSABLE)
    if os.geteuid():
        command = f"sudo {sys.executable} -m local …"
        raise WorldError(
            _LIMITED.format(needed=f"root, for namespaces, mounts and the Pods' network: {command}"), UNUSABLE
        )


def flattened_kubeconfig(kubeconfig: Path) -> bytes:
    """The current context of an existing cluster's kubeconfig, with everything in it; that cluster has answered.

    Raises WorldError when it does not.
    """
    base = [str(kubectl()), "--kubeconfig", str(kubeconfig)]
    asked = subprocess.run(
        [*base, "get", "--raw", "/readyz", "--request-timeout", "10s"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise WorldError(f"The cluster of {kubeconfig} does not answer: {asked.stderr.strip()}", UNUSABLE)
    view = [*base, "config", "view", "--raw", "--minify", "--flatten"]
    return subprocess.run(view, capture_output=True, check=True).stdout


def require_docker() -> None:
    """Raises WorldError when no Docker daemon answers."""
    docker = shutil.which("docker")
    if not docker:
        raise WorldError("WORLD_BUILDER=docker needs the docker command, which is not in PATH.", UNUSABLE)
    asked = subprocess.run(
        [docker, "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False, timeout=30
    )
    if asked.returncode:
        raise WorldError(f"WORLD_BUILDER=docker, but no Docker daemon answers: {asked.stderr.strip()}", UNUSABLE)
