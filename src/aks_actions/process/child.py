"""One child process in a process group of its own, so that it and its children end with us: none is left behind."""

from __future__ import annotations

import codecs
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import DeadlineExceeded

GRACE = 3.0  # seconds between SIGTERM and SIGKILL: within what a runner leaves to a cancelled step
_TICK = 0.1  # seconds in which a cancellation is noticed
_LONGEST_LINE = 64 * 1024  # characters; a longer line is passed on in parts


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    line: Callable[[str], object],
    check: Callable[[], None],
    timeout: float,
    folder: Path | None = None,
) -> int:
    """Run `command` with exactly this environment; `line` gets each line of stdout and stderr, as they come.

    `check` is asked ten times a second and raises to end the child (Job.check: Cancelled). Returns the exit code,
    negative for a signal. Raises DeadlineExceeded after `timeout` seconds, FileNotFoundError for no such program.
    However this ends, no process of the child's group lives on.
    """
    deadline = time.monotonic() + timeout
    child = subprocess.Popen(
        command,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _stream(child, line, check, deadline)
        return child.wait()
    except _OutOfTime:
        raise DeadlineExceeded(
            f"{Path(command[0]).name} did not end within {timeout:.0f} s",
            why="The action's own timeout ran out, and the program was ended.",
            do="Give `timeout` a longer time, or find in the log what took so long.",
        ) from None
    finally:
        _end(child)


class _OutOfTime(Exception):
    pass


def _stream(
    child: subprocess.Popen[bytes], line: Callable[[str], object], check: Callable[[], None], deadline: float
) -> None:
    assert child.stdout is not None  # noqa: S101  # PIPE, above
    pipe = child.stdout.fileno()
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    ended_at: float | None = None
    while True:
        check()
        now = time.monotonic()
        if now > deadline:
            raise _OutOfTime
        if ended_at is None and child.poll() is not None:
            ended_at = now
        readable, _, _ = select.select([pipe], [], [], _TICK)
        data = os.read(pipe, 65536) if readable else b""
        rest += decode(data)
        *lines, rest = rest.split("\n")
        for text in lines:
            line(text.rstrip("\r"))
        if len(rest) > _LONGEST_LINE:
            line(rest)
            rest = ""
        # A grandchild may hold the pipe open after the child's end: its output is not waited for.
        if (readable and not data) or (ended_at is not None and not readable and now > ended_at + _TICK):
            break
    rest += decode(b"", True)
    if rest:
        line(rest)
    while child.poll() is None:  # it closed its output and works on
        check()
        if time.monotonic() > deadline:
            raise _OutOfTime
        time.sleep(_TICK / 5)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End what is left of the child's group: asked first, then killed."""
    if _signal(child, signal.SIGTERM):
        until = time.monotonic() + GRACE
        while time.monotonic() < until and _signal(child, 0):
            child.poll()  # reaps it, else it counts as alive
            time.sleep(0.02)
        _signal(child, signal.SIGKILL)
    child.wait()
    if child.stdout:
        child.stdout.close()


def _signal(child: subprocess.Popen[bytes], number: int) -> bool:
    """Whether anything of the group was there to be signalled."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM where only zombies are left
        os.killpg(child.pid, number)
        return True
    return False
