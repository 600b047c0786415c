"""How a log reads: one line a phase, durations at the right, failures in three parts."""

from __future__ import annotations

from ..errors import Failure, exit_code

WIDTH = 100
_NAME = 14


def duration(seconds: float) -> str:
    """`0.4 s`, `36 s`, `4 min 10 s`: as precise as a reader cares."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def phase(name: str, note: str, seconds: float | None) -> str:
    """`▸ Apply         3 objects in 2 waves                 0.3 s`"""
    line = f"▸ {name:<{_NAME - 2}}  {note}".rstrip()
    return line if seconds is None else f"{line:<{WIDTH - 8}}{duration(seconds):>8}"


def indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line if line else "" for line in text.splitlines())


def failure(error: Failure) -> str:
    """What happened, why, what to do, and the exit code; details are printed apart, folded."""
    parts = [f"✘ {error.what}"]
    if error.at:
        parts.append(f"    at {error.at}")
    if error.why:
        parts.append("  Why: " + indented(error.why, 7).lstrip())
    if error.do:
        parts.append("  Do:  " + indented(error.do, 7).lstrip())
    parts.append(f"exit {exit_code(error)}, {error.title}")
    return "\n".join(parts)
