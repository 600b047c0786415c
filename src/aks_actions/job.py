"""What an action is given of the place that it runs in, a GitHub step or a shell: environment, log, masks, clock."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from .errors import Cancelled
from .github import oidc
from .github.commands import Commands
from .github.context import Context
from .github.masks import MOST, leaves, masks
from .report import text


@dataclass
class Phase:
    """A named part of an action. Its line is printed when it ends, or with the first line below it."""

    name: str
    log: Log
    note: str = ""
    seconds: float = 0.0
    started: float = 0.0
    _open: bool = False
    _details: list[str] = field(default_factory=list)

    def detail(self, line: str) -> None:
        """A line shown below the phase when it has ended."""
        self._details.append(line)

    def live(self, line: str) -> None:
        """A line shown at once, with the seconds since the phase began."""
        if not self._open:
            self._open = True
            self.log.line(text.phase(self.name, self.note, None))
        self.log.line(f"  {self.log.clock() - self.started:7.1f} s   {line}")

    def end(self, clock: float) -> None:
        self.seconds = clock - self.started
        if not self._open:
            self.log.line(text.phase(self.name, self.note, self.seconds))
        for line in self._details:
            self.log.line(text.indented(line, 4))


class Log:
    """The lines that people read. Secrets are masked here too, since a shell has no runner to do it."""

    def __init__(self, stream: TextIO, commands: Commands, clock: Callable[[], float]) -> None:
        self.stream = stream
        self.commands = commands
        self.clock = clock
        self.phases: list[Phase] = []
        self.hidden: set[str] = set()

    def redacted(self, message: str) -> str:
        for secret in sorted(self.hidden, key=len, reverse=True):
            message = message.replace(secret, "***")
        return message

    def line(self, message: str = "") -> None:
        message = self.redacted(message)
        # A line that begins like a workflow command would be obeyed: everything printed here is text.
        if self.commands.enabled:
            # The runner ends a line at a lone carriage return too.
            message = "\n".join(_literal(part) for part in re.split(r"\r\n?|\n", message))
        self.stream.write(message + "\n")
        self.stream.flush()

    @contextmanager
    def phase(self, name: str) -> Iterator[Phase]:
        """A phase of the action; also recorded for the summary, failed or not."""
        phase = Phase(name, self, started=self.clock())
        self.phases.append(phase)
        try:
            yield phase
        finally:
            phase.end(self.clock())

    def folded(self, title: str, body: str) -> None:
        """Foreign text, folded in a step's log; workflow commands in it are not obeyed."""
        with self.commands.group(title), self.commands.foreign_output():
            if not self.commands.enabled:
                self.line(f"  {title}:")
            self.line(text.indented(body, 4))

    def warn(self, message: str) -> None:
        self.line(f"! {message}")
        self.commands.annotate("warning", message)


def _literal(line: str) -> str:
    line = line.replace("##[", "#\u200b#[")  # the runner's old form, obeyed anywhere in a line
    return f"\u200b{line}" if line.lstrip().startswith("::") else line


class Job:
    """The surroundings of one run of one action."""

    def __init__(
        self, environ: Mapping[str, str], stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.environ = environ
        self.commands = Commands(environ)
        self.clock = clock
        self.log = Log(stream or sys.stdout, self.commands, clock)
        self.commands.redact = self.log.redacted
        self.context = Context.from_environment(environ)
        self.started = clock()
        self._cancelled = threading.Event()
        self._signal = 2

    def mask(self, value: Any) -> list[str]:
        """Mask a value, or every leaf of a structure, before anything else is done with it.

        Returns the kinds of trouble: texts too short to be masked, or too long for all encodings, by length only.
        """
        short = []
        for leaf in leaves(value):
            found = masks(leaf)
            if leaf.strip() and not found:
                short.append(f"a value of {len(leaf.strip())} characters is too short to be masked")
            if len(found) >= MOST:
                short.append(f"a value of {len(leaf):,} characters is too long to mask all of its encodings")
            # The longest first: the runner replaces in the order of registration.
            for line in sorted(found - self.log.hidden, key=len, reverse=True):
                self.commands.mask(line)
            self.log.hidden |= found
        return short

    def id_token(self, audience: str) -> str:
        """A fresh GitHub OIDC token; masked. Raises AuthError, TransientError (github.oidc)."""
        token = oidc.id_token(self.environ, audience, self.sleep)
        self.mask(token)
        return token

    @property
    def in_github(self) -> bool:
        return self.commands.enabled

    def cancel(self, signal_number: int) -> None:
        """Called by the signal handler: nothing new is begun from here on."""
        self._signal = signal_number
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled if the run was cancelled: to be called before each write and in each loop."""
        if self.cancelled:
            raise Cancelled("the run was cancelled", signal_number=self._signal)

    def sleep(self, seconds: float) -> None:
        """Wait, ended at once by a cancellation, which is raised."""
        self._cancelled.wait(seconds)
        self.check()
