"""The local world for Python: `use()` it, and run commands that are `entered()`."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).resolve().parents[2]


def to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


@contextmanager
def use(report: Callable[[str], None] = to_stderr) -> Iterator[IO[str]]:
    """Brings the world up if need be, and keeps it from being replaced or ended meanwhile.

    Gives the lock that does so. Raises WorldError.
    """
    from local.world import lifecycle, locks  # heavy, and `enter` imports this package before every command

    while True:
        lifecycle.up(report)
        with locks.using() as lock:
            if lifecycle.is_wanted():  # nobody has replaced it between the two lines above
                yield lock
                return


def entered(command: Sequence[str]) -> list[str]:
    """The argv that runs `command` where the cloud is, from any directory; its PID is the command's own."""
    run = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from local.__main__ import main; sys.exit(main())"
    return [sys.executable, "-c", run, "enter", "--", *command]
