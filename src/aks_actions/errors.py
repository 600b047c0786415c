"""Every failure that a user may meet: what happened, why, what to do, and the exit code.

A bug of ours is any other exception; only then is a traceback shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Location:
    """A place in a file of the user's; line and column count from 1, 0 is unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Failure(Exception):
    """Ends an action. `what` is one sentence; `why` and `do` explain it; `details` is the raw answer, folded.

    `outputs` holds what the action can still say of itself, by the names of its outputs.
    """

    exit_code: ClassVar[int] = 1
    title: ClassVar[str] = "failed"

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        do: str = "",
        at: Location | None = None,
        details: str = "",
        outputs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do
        self.at = at
        self.details = details
        self.outputs = outputs or {}


class RolloutFailed(Failure):
    """The cluster took what we sent, or refused it, and the workload is not healthy."""

    exit_code = 1
    title = "rollout failed"


class BuildFailed(Failure):
    """The image's own build or tests failed."""

    exit_code = 1
    title = "build failed"


class InputError(Failure):
    """The user's input can't be used: an input of the action, a manifest, a file."""

    exit_code = 2
    title = "input"


class AuthError(Failure):
    """An identity was refused, or lacks a permission."""

    exit_code = 3
    title = "authentication"


class TransientError(Failure):
    """The other side kept failing in a way that may pass."""

    exit_code = 4
    title = "transient errors exhausted"


class DeadlineExceeded(Failure):
    """Our own timeout ran out."""

    exit_code = 5
    title = "timeout"


class Cancelled(Failure):
    """The run was cancelled; `exit_code` follows the signal, as a shell's would."""

    title = "cancelled"

    def __init__(self, what: str, *, signal_number: int = 2, **more: Any) -> None:
        super().__init__(what, **more)
        self.signal_number = signal_number

    @property
    def code(self) -> int:
        return 128 + self.signal_number


def exit_code(failure: Failure) -> int:
    """The process's exit code for a failure."""
    return failure.code if isinstance(failure, Cancelled) else failure.exit_code
