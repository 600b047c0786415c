"""What is known of the world from outside: its plan, its recorded status, and who is alive."""

import fcntl
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from local import names
from local.world import paths

Phase = Literal["starting", "ready", "broken", "ending"]
PartState = Literal["waiting", "starting", "ready", "done", "failed"]


@dataclass(frozen=True)
class Plan:
    """What a world is to be, and who asked for it."""

    version: str
    clone: str
    user: str
    cluster: bool = True  # False: an existing cluster is used
    builder: bool = True  # False: a Docker daemon builds


@dataclass
class Part:
    """One process of the world. `pid` is its number inside of the world's PID namespace, `since` in epoch seconds."""

    state: PartState = "waiting"
    pid: int | None = None
    since: float = field(default_factory=time.time)
    detail: str = ""

    def become(self, state: PartState, detail: str = "") -> None:
        self.state, self.detail, self.since = state, detail, time.time()


@dataclass
class Status:
    plan: Plan
    phase: Phase = "starting"
    started: float = field(default_factory=time.time)
    parts: dict[str, Part] = field(default_factory=dict)

    def save(self) -> None:
        """Atomic: a reader sees the old or the new status, never a half of it."""
        fresh = paths.STATUS.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(paths.STATUS)

    @classmethod
    def load(cls) -> "Status | None":
        """The last status recorded, or None where there is none (or one of a program that wrote it otherwise)."""
        try:
            recorded = json.loads(paths.STATUS.read_text())
            return cls(
                Plan(**recorded["plan"]),
                recorded["phase"],
                recorded["started"],
                {name: Part(**part) for name, part in recorded["parts"].items()},
            )
        except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
            return None


def supervisor_lives() -> bool:
    """The supervisor locks ALIVE for as long as it lives: the kernel lets go of it, however it dies."""
    try:
        with paths.ALIVE.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    return False


def supervisor_pids() -> list[int]:
    """The processes that hold ALIVE open as supervisors: one, or none. Needs no record, so no kill can hide it."""
    return [pid for pid in processes() if _is_supervisor(pid)]


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _is_supervisor(pid: int) -> bool:
    try:
        if b"local.world.supervisor" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return False
        return any(_is_alive_file(descriptor) for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # it ended while we looked
        return False


def _is_alive_file(descriptor: Path) -> bool:
    """By its path, which outlives its removal, and its device: another container's file has the same path."""
    is_named = str(descriptor.readlink()).removesuffix(" (deleted)") == str(paths.ALIVE)
    return is_named and descriptor.stat().st_dev == names.STATE.parent.stat().st_dev


def pids_in_world(supervisor: int) -> dict[int, int]:
    """PIDs inside of the supervisor's PID namespace → the same processes' PIDs on the machine."""
    namespace = _namespace(supervisor)
    found = {}
    for pid in processes():
        if namespace and _namespace(pid) == namespace:
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            inside = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]
            found[int(inside)] = pid
    return found


def _namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None
