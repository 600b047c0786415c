"""The user's cache: directories that are whole, and known by their checksums, or not there at all."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.setup.progress import Report

_SUMS = "SHA256SUMS"


def root() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "aks-actions" / "world"


def checksum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def key(*parts: bytes | str) -> str:
    """A short name for exactly these inputs, in this order."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def one_maker(report: Report) -> Iterator[None]:
    """One process at a time fills the cache; the next finds what the first has made."""
    root().mkdir(parents=True, exist_ok=True)
    with (root() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another clone's set-up to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def seal(directory: Path) -> None:
    """Writes the checksums of everything in `directory` (names relative to it, as sha256sum does)."""
    files = sorted(file for file in directory.rglob("*") if file.is_file() and file.name != _SUMS)
    lines = [f"{checksum(file)}  {file.relative_to(directory)}\n" for file in files]
    (directory / _SUMS).write_text("".join(lines))


def is_whole(directory: Path) -> bool:
    """Whether `directory` has exactly the contents that it was sealed with."""
    try:
        lines = (directory / _SUMS).read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return False
    sealed = [line.split("  ", 1) for line in lines]
    return bool(sealed) and all(
        (directory / name).is_file() and checksum(directory / name) == digest for digest, name in sealed
    )


def obtain(name: str, make: Callable[[Path], None], report: Report) -> Path:
    """The cached directory `name`; made by `make(directory)` when it isn't there or isn't whole.

    It appears in one step, by rename: a kill leaves at most a temporary directory, which the next maker removes.
    """
    target = root() / name
    if target.exists():
        if is_whole(target):
            return target
        report(f"{target} does not match its checksums: making it again")
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    for leftover in target.parent.glob(".new-*"):
        shutil.rmtree(leftover)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
    try:
        make(fresh)
        fresh.chmod(0o755)
        seal(fresh)
        fresh.rename(target)
    except BaseException:
        shutil.rmtree(fresh)
        raise
    return target
