"""What Git knows of the folder that is built; nothing, where there is no Git or no repository."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Head:
    """The commit that is checked out, and its time in seconds of the epoch; empty and None where unknown."""

    commit: str
    time: int | None


def head(folder: Path, environ: Mapping[str, str]) -> Head:
    """HEAD of the repository that `folder` is in."""
    command = ["git", "-C", str(folder), "log", "-1", "--no-show-signature", "--format=%H %ct"]
    # A checkout by another user is read all the same: nothing of it is run.
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    try:
        found = subprocess.run(command, env={**environ, **safe}, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return Head("", None)
    words = found.stdout.split()
    if found.returncode != 0 or len(words) != 2:
        return Head("", None)
    return Head(words[0], int(words[1]))
