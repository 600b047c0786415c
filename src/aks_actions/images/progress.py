"""What BuildKit says while it builds (`--progress=plain`): steps, their logs, and which one failed at which line.

Source: moby/buildkit, util/progress/progressui (the plain printer). Lines are `#STEP …`; the error stands at the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_STEP = re.compile(r"#(\d+) (.*)")
_LOG = re.compile(r"\d+\.\d+ ?(.*)")
_PLACE = re.compile(r"[^\s:][^:]*:(\d+)")
_RULE = re.compile(r"-{20}")


@dataclass
class Step:
    """One step: an instruction of the Dockerfile, or one of BuildKit's own."""

    name: str
    log: list[str] = field(default_factory=list)
    cached: bool = False
    done: bool = False
    error: str = ""

    @property
    def internal(self) -> bool:
        return not self.name.startswith("[") or self.name.startswith("[internal]")


class Progress:
    """Fed with lines as they come; after the end it tells what happened."""

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        self._previous = ""
        self.error = ""  # BuildKit's own last word
        self.dockerfile_line = 0  # where the error is, from 1; 0 is unknown

    def feed(self, line: str) -> None:
        if match := _STEP.fullmatch(line):
            self._feed_step(match[1], match[2])
        elif line.startswith("ERROR: "):
            self.error = line.removeprefix("ERROR: ")
        elif self.error and line:
            self.error += "\n" + line
        elif _RULE.fullmatch(line) and (place := _PLACE.fullmatch(self._previous)):
            self.dockerfile_line = int(place[1])
        self._previous = line

    def _feed_step(self, number: str, text: str) -> None:
        if number not in self._steps:
            self._steps[number] = Step(text)
            return
        step = self._steps[number]
        if text == "CACHED":
            step.cached = step.done = True
        elif text.startswith("DONE "):
            step.done = True
        elif text.startswith("ERROR: "):
            step.error = text.removeprefix("ERROR: ")
        elif match := _LOG.fullmatch(text):
            step.log.append(match[1])

    @property
    def instructions(self) -> list[Step]:
        """The Dockerfile's own steps; FROM is none: it is resolved each time and never counts as cached."""
        return [step for step in self._steps.values() if not step.internal and "] FROM " not in step.name]

    @property
    def failed(self) -> Step | None:
        """The step that failed; of several, the one that was not just told to stop."""
        failed = [step for step in self._steps.values() if step.error]
        return min(failed, key=lambda step: "context canceled" in step.error, default=None)

    @property
    def note(self) -> str:
        """`9 steps, 7 cached`"""
        cached = sum(step.cached for step in self.instructions)
        return f"{len(self.instructions)} steps, {cached} cached"
