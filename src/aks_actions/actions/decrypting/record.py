"""What a job will have to clean up, written down before it is made: no plaintext, 0600, under RUNNER_TEMP.

One folder a step: `record.json`, and the encrypted original of each file that was decrypted in place. So the cleanup
also works after a step that failed, was cancelled or was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from . import files

_NAME = "record.json"


@dataclass(frozen=True)
class Replaced:
    """A file that holds plaintext where its encrypted original was."""

    path: Path
    original: Path  # the copy
    mode: int


class Record:
    """What one step wrote."""

    def __init__(self, folder: Path, content: Mapping[str, Any] | None = None) -> None:
        found = content or {}
        self.folder = folder
        self.files = [Path(path) for path in found.get("files", [])]
        self.folders = [Path(path) for path in found.get("folders", [])]
        self.replaced = [
            Replaced(Path(item["path"]), folder / Path(item["original"]).name, int(item["mode"]))
            for item in found.get("replaced", [])
        ]
        self.variables = [str(name) for name in found.get("variables", [])]

    @classmethod
    def begin(cls, environ: Mapping[str, str]) -> Record:
        """A new record; nothing is on disk before the first `save`."""
        return cls(_home(environ) / secrets.token_hex(8))

    def will_write(self, paths: Iterable[Path]) -> None:
        """Files that are about to be written, and the folders on the way that are not there yet."""
        for path in map(files.absolute, paths):
            self.files.append(path)
            self.folders += [parent for parent in path.parents if not parent.exists() and parent not in self.folders]
        self.save()

    def will_replace(self, originals: Mapping[Path, bytes]) -> None:
        """Encrypted files that are about to be replaced by their plaintext."""
        for path, content in originals.items():
            copy = files.write(self.folder, Path(f"original-{len(self.replaced)}"), content)
            mode = stat.S_IMODE(path.stat().st_mode)
            self.replaced.append(Replaced(files.absolute(path), copy, mode))
        self.save()

    def will_export(self, names: Iterable[str]) -> None:
        """Variables that are about to be set."""
        self.variables += names
        self.save()

    def save(self) -> None:
        content = {
            "files": [str(path) for path in self.files],
            "folders": [str(path) for path in self.folders],
            "replaced": [
                {"path": str(item.path), "original": item.original.name, "mode": item.mode} for item in self.replaced
            ],
            "variables": self.variables,
        }
        files.write(self.folder, Path(_NAME), json.dumps(content, indent=1).encode())

    def undo(self) -> tuple[int, int]:
        """Shred what was written, restore what was replaced; how many of each. What is gone already is no fault.

        Raises InputError where a file can't be removed or restored; what comes after it is done all the same.
        """
        failed: list[InputError] = []
        removed = restored = 0
        for path in self.files:
            try:
                removed += files.shred(path)
            except InputError as error:
                failed.append(error)
        for item in self.replaced:
            try:
                restored += _restore(item)
            except InputError as error:
                failed.append(error)
        for folder in sorted(self.folders, key=lambda path: len(path.parts), reverse=True):
            with contextlib.suppress(OSError):  # gone, or somebody else's files are in it
                folder.rmdir()
        if failed:
            raise failed[0]
        return removed, restored

    def discard(self) -> None:
        """Forget it: everything is cleaned up."""
        shutil.rmtree(self.folder, ignore_errors=True)


def records(environ: Mapping[str, str]) -> list[Record]:
    """All records of this job, oldest first. Raises InputError for one that can't be trusted or read."""
    home = _home(environ)
    try:
        folders = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)
    except FileNotFoundError:
        return []
    found = []
    for folder in folders:
        try:
            found.append(Record(folder, json.loads((folder / _NAME).read_text())))
        except FileNotFoundError:
            found.append(Record(folder))  # killed before it wrote anything
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(
                f"{folder / _NAME} can't be read: what it lists is not cleaned up",
                do="Remove the decrypted files by hand, or end the runner.",
            ) from None
    return found


def _home(environ: Mapping[str, str]) -> Path:
    """The folder of all records: this user's alone, since a shell's temporary folder is everybody's."""
    home = Path(environ.get("RUNNER_TEMP") or tempfile.gettempdir()) / f"aks-actions-secrets-{os.getuid()}"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = home.lstat()
    except OSError as error:
        raise InputError(
            f"{home} can't be made: {error.strerror}", why="What is to be cleaned up is kept there."
        ) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise InputError(
            f"{home} is not a folder of this user alone",
            why="What is to be cleaned up is kept there, and others could change it.",
            do="Remove it.",
        )
    return home


def _restore(item: Replaced) -> bool:
    """Put the encrypted original back; False where it is there already, or the file is gone."""
    try:
        original, now = item.original.read_bytes(), item.path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InputError(f"{item.path} can't be restored: {error.strerror}", do=f"git restore {item.path}") from None
    if now == original:
        return False
    files.shred(item.path, keep=True)
    files.write(item.path.parent, Path(item.path.name), original, item.mode)
    return True
