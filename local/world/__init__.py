"""The local world for Python: `use()` it, and run commands that are `entered()`."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from local.world import lifecycle, locks
from local.world.lifecycle import Report
from local.world.options import ROOT

__all__ = ["entered", "use"]


def to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@contextmanager
def use(report: Report = to_stderr) -> Iterator[IO[str]]:
    """Brings the world up if need be, and keeps it from being replaced or ended meanwhile.

    Gives the lock that does so. Raises WorldError.
    """
    while True:
        lifecycle.up(report)
        with locks.using() as lock:
            if lifecycle.is_wanted():  # nobody has replaced it between the two lines above
                yield lock
                return


def entered(command: Sequence[str]) -> list[str]:
    """The argv that runs `command` where the cloud is; its PID is the command's own."""
    # From any directory: the package is not installed, its clone is where it is.
    run = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from local.__main__ import main; sys.exit(main())"
    return [sys.executable, "-c", run, "enter", "--", *command]
