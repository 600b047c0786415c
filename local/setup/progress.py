"""Long commands, with a sign of life every ten seconds."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from local.world.errors import WorldError

Report = Callable[[str], None]
INTERVAL = 10.0  # seconds between signs of life
_TAIL = 15  # lines of a failed command's log to show


def elapsed(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


class Unfinished:
    """What a running command has said so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.last = ""

    def read(self, output: Iterable[str], log: IO[str]) -> None:
        for line in output:
            log.write(line)
            self.lines += 1
            self.last = line.strip() or self.last


def run(
    what: str,
    command: Sequence[str],
    log: Path,
    report: Report,
    *,
    describe: Callable[[Unfinished], str] = lambda said: said.last,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> None:
    """Runs `command`, its output in `log`, and reports `what` it is at until it ends.

    Raises WorldError with the log's end when it fails. The command dies with us: nothing half-built goes on alone.
    """
    began = time.monotonic()
    said = Unfinished()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            cwd=directory,
        )
        reader = threading.Thread(target=said.read, args=(process.stdout or (), sink), daemon=True)
        reader.start()
        try:
            while _runs(process):
                report(f"{what}: {elapsed(time.monotonic() - began)}, {describe(said)}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
        reader.join()
    if process.returncode:
        tail = "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-_TAIL:])
        raise WorldError(f"{what} failed (exit code {process.returncode}). The end of {log}:\n{tail}")
    report(f"{what}: done in {elapsed(time.monotonic() - began)}")


def _runs(process: "subprocess.Popen[str]") -> bool:
    try:
        process.wait(INTERVAL)
    except subprocess.TimeoutExpired:
        return True
    return False
