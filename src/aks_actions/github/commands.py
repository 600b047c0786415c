"""Workflow commands and files: actions-toolkit writes them; masks, stop-commands, caps and allow-lists are added here.

Source: docs.github.com, "Workflow commands for GitHub Actions"; the runner's own parsing rules.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError, Location

SUMMARY_LIMIT = 1024 * 1024  # bytes a step; GitHub drops the whole summary above it
# Names that change how later steps' programs load or run code: never exported for a user's file.
_FORBIDDEN_VARIABLES = re.compile(
    r"^(PATH|HOME|SHELL|IFS|ENV|BASH_.*|LD_.*|DYLD_.*|PYTHON.*|NODE_(OPTIONS|PATH|REPL_.*|EXTRA_CA_CERTS|TLS_.*)"
    r"|PERL.*|RUBY.*|JAVA_TOOL_OPTIONS|GIT_.*"
    r"|GITHUB_.*|RUNNER_.*|ACTIONS_.*|INPUT_.*|CI)$",
    re.IGNORECASE,
)


def exportable(name: str) -> None:
    """Raise InputError for a name that could change what later steps execute, or that is no variable's name."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise InputError(f"{name!r} can't be the name of an environment variable")
    if _FORBIDDEN_VARIABLES.match(name):
        raise InputError(
            f"the environment variable {name} is not set",
            why="It changes how programs of later steps load or run code.",
            do="Choose another name for the value.",
        )


class Commands:
    """The runner's side of a step. Outside a runner (`enabled` false) only files and output are left out."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.enabled = environ.get("GITHUB_ACTIONS") == "true"
        # The summary page and act's annotations are masked by nobody else; the job puts its log's own masks here.
        self.redact: Callable[[str], str] = str

    def _issue(self, command: str, message: str = "", **properties: object) -> None:
        if not self.enabled:
            return
        from actions_toolkit.command import issue_command

        issue_command(command, {k: v for k, v in properties.items() if v}, message)
        sys.stdout.flush()

    def mask(self, line: str) -> None:
        """Register one line as secret with the runner; what to mask is decided in `github.masks`."""
        self._issue("add-mask", line)

    def annotate(self, level: str, message: str, at: Location | None = None, title: str = "") -> None:
        """An annotation of `level` error, warning or notice, on the user's own line where there is one."""
        place: dict[str, object] = {"file": at.file, "line": at.line, "col": at.column} if at else {}
        self._issue(level, self.redact(message), title=self.redact(title), **place)

    def debug(self, message: str) -> None:
        if self.environ.get("RUNNER_DEBUG") == "1":
            self._issue("debug", self.redact(message))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed inside; closed on exceptions too."""
        self._issue("group", title)
        try:
            yield
        finally:
            self._issue("endgroup")

    @contextmanager
    def foreign_output(self) -> Iterator[None]:
        """Around text that others wrote: the runner obeys no `::command::` in it."""
        token = secrets.token_hex(16)
        self._issue("stop-commands", token)
        try:
            yield
        finally:
            self._issue(token)

    def set_output(self, name: str, value: str) -> None:
        """One output of the step; without a file to write to, nothing."""
        self._append("OUTPUT", name, value)

    def export(self, name: str, value: str) -> None:
        """A variable for the job's later steps. Raises InputError for a name that is not `exportable`."""
        exportable(name)
        self._append("ENV", name, value)

    def summary(self, markdown: str) -> None:
        """Add to the step's summary, cut where GitHub would drop all of it."""
        path = self.environ.get("GITHUB_STEP_SUMMARY", "")
        if not (self.enabled and path):
            return
        data = self.redact(markdown).encode()
        if len(data) > SUMMARY_LIMIT:
            data = data[: SUMMARY_LIMIT - 64].rsplit(b"\n", 1)[0] + b"\n\n(cut: more than 1 MiB)\n"
        with Path(path).open("ab") as file:
            file.write(data + b"\n")

    def _append(self, kind: str, name: str, value: Any) -> None:
        path = self.environ.get(f"GITHUB_{kind}", "")
        if not (self.enabled and path):
            return
        from actions_toolkit.file_command import prepare_key_value_message

        # The toolkit draws a random delimiter and refuses a value that holds it.
        with Path(path).open("a", encoding="utf-8", newline="") as file:
            file.write(prepare_key_value_message(name, value) + "\n")
