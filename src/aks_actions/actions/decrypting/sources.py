"""The files that the `files` input means, and where their plaintexts go."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError

_LARGEST = 16 * 1024 * 1024  # bytes; a SOPS file holds secrets, not data


@dataclass(frozen=True)
class Source:
    """One encrypted file: its path as the user wrote it, its path below the output folder, its content."""

    path: str
    below: Path
    data: bytes


def read(patterns: Iterable[str]) -> list[Source]:
    """All files of all patterns, each once, in order. Raises InputError where a pattern finds none."""
    sources: dict[str, Source] = {}
    for pattern in patterns:
        found = sorted(
            path
            for path in glob.glob(pattern, recursive=True)  # noqa: PTH207  # patterns may be absolute
            if not Path(path).is_dir()
        )
        if not found:
            raise InputError(
                f"`files` has {pattern!r}, which finds no file",
                why=f"It is looked for from {Path.cwd()}.",
                do="Is actions/checkout before this step? Else correct the path; `**` reaches into subfolders.",
            )
        for path in found:
            sources.setdefault(path, _read(path))
    _refuse_collisions(list(sources.values()))
    return list(sources.values())


def _read(path: str) -> Source:
    below = Path(path)
    if below.is_absolute():
        below = below.relative_to(Path.cwd()) if below.is_relative_to(Path.cwd()) else Path(below.name)
    if ".." in below.parts:
        raise InputError(
            f"{path} is outside of the folder that we run in",
            why="Its plaintext would be written outside of the output folder.",
            do="Name files by paths without `..`.",
        )
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise InputError(f"{path} is larger than {_LARGEST // 1024 // 1024} MiB", why="No file of secrets is.")
    return Source(path, below, data)


def _refuse_collisions(sources: list[Source]) -> None:
    seen: dict[Path, str] = {}
    for source in sources:
        other = seen.setdefault(source.below, source.path)
        if other != source.path:
            raise InputError(
                f"{other} and {source.path} would be written to the same file, {source.below}",
                do="Decrypt them in two steps.",
            )
