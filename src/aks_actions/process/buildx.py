"""buildx: finding it, asking its builder what it is, building. By itself on PATH, or as `docker buildx`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DeadlineExceeded, InputError
from . import child

_BOOTSTRAP = 180.0  # seconds; a docker-container builder pulls its image first
_INSTALL = (
    "On a GitHub runner: add `- uses: docker/setup-buildx-action@v3` before this step.\n"
    "Elsewhere: install buildx (github.com/docker/buildx) and a builder: docker buildx create --use"
)


@dataclass(frozen=True)
class Builder:
    """A builder as `buildx inspect` describes it."""

    name: str
    driver: str
    version: str

    @property
    def exports_all(self) -> bool:
        """Whether it can rewrite timestamps and attach provenance; Docker's own image store can't."""
        return self.driver != "docker"


@dataclass(frozen=True)
class Buildx:
    """A buildx that works."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def find(cls, environment: Mapping[str, str]) -> Buildx:
        """The buildx of this machine. Raises InputError where there is none."""
        path = environment.get("PATH")
        if found := shutil.which("buildx", path=path):
            return cls((found,), environment)
        docker = shutil.which("docker", path=path)
        if (
            docker
            and subprocess.run([docker, "buildx", "version"], env=dict(environment), capture_output=True).returncode
            == 0
        ):
            return cls((docker, "buildx"), environment)
        raise InputError(
            "buildx is not installed here", why="Neither `buildx` nor `docker buildx` is on PATH.", do=_INSTALL
        )

    def builder(self, name: str, check: Callable[[], None]) -> Builder:
        """The builder called `name`, or the current one, started if need be. Raises InputError for one of no use.

        `check` as in child.run: a cancellation does not wait for a builder that starts.
        """
        command = [*self.command, "inspect", "--bootstrap", *([name] if name else [])]
        lines: list[str] = []
        try:
            code = child.run(command, environment=self.environment, line=lines.append, check=check, timeout=_BOOTSTRAP)
        except DeadlineExceeded:
            code = 1
            lines.append(f"ERROR: it did not answer within {_BOOTSTRAP:.0f} s")
        said = "\n".join(lines)
        failed = code != 0 or re.search(r"^(Error:|Status:\s+(error|inactive|stopped))", said, re.MULTILINE)
        if failed:
            known = subprocess.run(
                [*self.command, "ls"], env=dict(self.environment), capture_output=True, text=True
            ).stdout
            raise InputError(
                f"the builder {name or 'that is current'} can't be used",
                why=_error(said),
                do=f"Pass one that runs in `builder`, or make one.\n{_INSTALL}",
                details=f"{said}\n{known}".strip(),
            )
        # The builder comes first, its nodes after it: the first of each name counts.
        facts = dict(reversed(re.findall(r"^(Name|Driver|BuildKit version):\s+(.+)$", said, re.MULTILINE)))
        return Builder(name or facts.get("Name", ""), facts.get("Driver", ""), facts.get("BuildKit version", ""))

    def build(
        self,
        arguments: Sequence[str],
        *,
        line: Callable[[str], object],
        check: Callable[[], None],
        timeout: float,
        environment: Mapping[str, str],
    ) -> int:
        """Run `buildx build`; `line` gets its plain progress. Returns the exit code; raises as child.run does."""
        command = [*self.command, "build", "--progress=plain", *arguments]
        variables = {**self.environment, **environment}
        return child.run(command, environment=variables, line=line, check=check, timeout=timeout)


def _error(said: str) -> str:
    found = re.findall(r"^error:\s*(.+)$", said, re.MULTILINE | re.IGNORECASE)
    return str(found[-1]) if found else said.strip()


def digest(metadata: Path) -> str:
    """The digest of what was exported, from a `--metadata-file`; empty where it says none."""
    content: Any = json.loads(metadata.read_bytes())
    return str(content.get("containerimage.digest") or "")
