"""The files that the `files` input means, and where their plaintexts go."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError, Location

if TYPE_CHECKING:
    from sops_python.stores import Format

MIB = 1024 * 1024
_LEFT_OUT = {".git", ".sops.yaml", ".sops.yml"}  # not secrets, whatever they hold
_MARKS = re.compile(r"\.(sops|enc|encrypted|crypt)$", re.IGNORECASE)
_INNER_MARK = re.compile(r"\.(?:sops|enc|encrypted)(\.[^.]+)$", re.IGNORECASE)


@dataclass(frozen=True)
class Source:
    """One encrypted file: its path as the user wrote it, its path below an output folder, its content, its format."""

    path: str
    below: Path
    data: bytes = field(repr=False)
    format: Format


@dataclass(frozen=True)
class Read:
    """What was read, and how many files of folders were left out because they are not encrypted."""

    sources: list[Source]
    plain: int = 0


def read(patterns: Iterable[str], *, override: str = "", limit: int = 5 * MIB) -> Read:
    """All files of all patterns (paths, globs, folders with all that is encrypted below), each once, in order.

    Raises InputError where a pattern finds none, and for a file that is too large or leads out of its tree.
    """
    from sops_python.decrypt import is_encrypted

    sources: dict[str, Source] = {}
    plain = 0
    for pattern in patterns:
        folder = Path(pattern).is_dir()
        found = list(_tree(Path(pattern))) if folder else _matches(pattern)
        for path in found:
            if path in sources:
                continue
            if folder and _passed_over(path, limit):
                plain += 1
                continue
            source = one(path, root=_root(pattern), override=override, limit=limit)
            if folder and not is_encrypted(source.data, format=source.format):
                plain += 1
            else:
                sources[path] = source
        if not any(path in sources for path in found):
            raise _no_file(pattern, folder)
    _refuse_collisions(list(sources.values()))
    return Read(list(sources.values()), plain)


def one(path: str, *, root: Path, override: str = "", limit: int = 5 * MIB) -> Source:
    """One file, read. `root`: the folder that it must really be in, whatever symlinks say."""
    return _source(path, _content(path, root, limit), override)


def _matches(pattern: str) -> list[str]:
    return sorted(
        path
        for path in glob.glob(pattern, recursive=True)  # noqa: PTH207  # patterns may be absolute
        if not Path(path).is_dir()
    )


def _tree(folder: Path) -> Iterator[str]:
    for at, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if name not in _LEFT_OUT)
        yield from (str(Path(at, name)) for name in sorted(names) if name not in _LEFT_OUT)


def _passed_over(path: str, limit: int) -> bool:
    """What a folder holds beside secrets: dangling symlinks, pipes, and large files without a trace of SOPS."""
    file = Path(path)
    if not file.is_file():
        return True
    if file.is_symlink() or file.stat().st_size <= limit:
        return False  # it is read and judged
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(b"ENC[AES256_GCM,") < 0


def _root(pattern: str) -> Path:
    """The folder that everything of a pattern has to be in: the workspace, or the outside folder that was named."""
    here = Path.cwd()
    fixed = Path(*_fixed(Path(pattern).parts))
    named = (here / fixed) if fixed.is_dir() else (here / fixed).parent
    return here if Path(os.path.normpath(named)).is_relative_to(here) else named


def _fixed(parts: tuple[str, ...]) -> list[str]:
    """The parts of a pattern before its first wildcard."""
    return [part for index, part in enumerate(parts) if not any(glob.has_magic(p) for p in parts[: index + 1])]


def _no_file(pattern: str, folder: bool) -> InputError:
    if folder:
        return InputError(
            f"`files` has {pattern!r}, a folder without an encrypted file",
            why="No file below it holds SOPS metadata.",
            do=f"Encrypt what is secret in it: sops encrypt -i {Path(pattern) / 'FILE'}",
        )
    return InputError(
        f"`files` has {pattern!r}, which finds no file",
        why=f"It is looked for from {Path.cwd()}.",
        do="Is actions/checkout before this step? Else correct the path; `**` reaches into subfolders.",
    )


def _content(path: str, root: Path, limit: int) -> bytes:
    try:
        real = Path(path).resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            raise _outside(path, root)
        if not real.is_file():
            raise InputError(f"{path} is no regular file", at=Location(path))
        with os.fdopen(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}", at=Location(path)) from None
    if len(data) > limit:
        raise InputError(
            f"{path} is larger than {limit // MIB} MiB",
            why="A file of secrets rarely is, and all of it is held in memory.",
            do="Raise `max-size`, in MiB, if it is right.",
            at=Location(path),
        )
    return data


def _outside(path: str, root: Path) -> InputError:
    named = Path(os.path.normpath(Path.cwd() / path))
    if not named.is_relative_to(root):
        return InputError(f"{path} is outside of {root}", do="Name what is in the checkout.", at=Location(path))
    return InputError(
        f"{path} is a symlink that leads out of {root}",
        why="A pull request could make it lead to any file of the runner.",
        do="Put the file itself there.",
        at=Location(path),
    )


def _source(path: str, data: bytes, override: str) -> Source:
    below = Path(path)
    if below.is_absolute():
        below = below.relative_to(Path.cwd()) if below.is_relative_to(Path.cwd()) else Path(below.name)
    if ".." in below.parts:
        raise InputError(
            f"{path} is outside of the folder that we run in",
            why="Its plaintext would be written outside of the output folder.",
            do="Name files by paths without `..`.",
        )
    return Source(path, below, data, format_for(path, data, override))


def format_for(path: str, data: bytes, override: str = "") -> Format:
    """A file's format: as told, else by its extension; without a known one binary, as sops has it, or as it looks."""
    from sops_python.stores import Format, detect, format_of

    if override:
        return Format(override)
    known = format_of(stem(Path(path).name))  # app.env.enc is dotenv
    if known is Format.BINARY and data.lstrip()[:1] != b"{":  # no binary file, whose envelope is JSON
        return detect(data.decode("utf-8", "replace"))
    return known


def stem(name: str) -> str:
    """A file's name as it is when it is decrypted: `tls.key.enc` → `tls.key`, `app.sops.yaml` → `app.yaml`."""
    while _MARKS.search(name):
        name = _MARKS.sub("", name)
    return _INNER_MARK.sub(r"\1", name)


def _refuse_collisions(sources: list[Source]) -> None:
    seen: dict[Path, str] = {}
    for source in sources:
        other = seen.setdefault(source.below, source.path)
        if other != source.path:
            raise InputError(
                f"{other} and {source.path} would be written to the same file, {source.below}",
                do="Decrypt them in two steps.",
            )
