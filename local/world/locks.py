"""Who may do what with the one world of a machine, by file locks: the kernel lets go of them however a holder dies."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local import names
from local.world.errors import WorldError

Report = Callable[[str], None]
_PAUSE = 0.2  # seconds between tries


def holders(path: Path) -> dict[int, str]:
    """The processes that hold a flock on `path`: PID → command line. From /proc/locks."""
    try:
        inode = path.stat().st_ino
    except FileNotFoundError:
        return {}
    found = {}
    for line in Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if "->" in fields or fields[1] != "FLOCK":  # -> marks who waits
            continue
        pid = int(fields[4])
        if fields[5].rsplit(":", 1)[1] == str(inode) and pid != os.getpid():
            found[pid] = _command_line(pid)
    return found


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return "a process that has ended, by a child of its"
    return b" ".join(words).decode(errors="replace")[:120]


def _ancestors() -> set[int]:
    pid, found = os.getpid(), set[int]()
    while pid > 0:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return found


def _take(file: IO[str], path: Path, waiting_for: str, report: Report) -> None:
    told: set[int] | None = None
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            users = holders(path)
        if set(users) & _ancestors():
            raise WorldError(
                "The world has to be replaced, but the command that asks for it runs under one that uses it. "
                "See `make world-status`; end that command first."
            )
        if set(users) != told:
            who = "\n".join(f"    {pid}  {command}" for pid, command in users.items()) or "    (it has just ended)"
            report(f"waiting for {waiting_for}:\n{who}")
            told = set(users)
        time.sleep(_PAUSE)


@contextmanager
def changing(report: Report) -> Iterator[None]:
    """One process at a time makes, replaces or ends the world."""
    with names.LOCK.open("a") as file:
        _take(file, names.LOCK, "another command that is making or ending the world", report)
        yield


@contextmanager
def nobody_using(report: Report) -> Iterator[None]:
    """Waits until nobody uses the world, and keeps new users waiting."""
    with names.IN_USE.open("a") as file:
        _take(file, names.IN_USE, "those who use the world to end", report)
        yield


@contextmanager
def using() -> Iterator[IO[str]]:
    """Keeps the world from being replaced or ended. The lock can be handed on to a command by exec."""
    with names.IN_USE.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield file
