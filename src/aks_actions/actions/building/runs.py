"""Running buildx for one stage: its log in a fold, its failures explained, a push retried when it may help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DeadlineExceeded, TransientError
from ...images.progress import Progress
from ...job import Job, Phase
from ...process.buildx import Builder, Buildx
from .failures import explained
from .subject import Subject

_ATTEMPTS = 3
_PAUSE = 3.0  # seconds before the second attempt, doubled before the third


@dataclass(frozen=True)
class Runs:
    """What the builds of one action share. `deadline` is by the job's clock."""

    job: Job
    buildx: Buildx
    builder: Builder
    subject: Subject
    deadline: float
    variables: Mapping[str, str] = field(repr=False)

    def build(self, phase: Phase, title: str, arguments: list[str], *, test_target: str = "") -> Progress:
        """One stage, tried again after a transient fault. Raises BuildFailed, InputError, AuthError, TransientError."""
        pause = _PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            progress = Progress()
            code = self._run(title, [*self._common(), *arguments, str(self.subject.context)], progress)
            if code == 0:
                phase.note = progress.note
                return progress
            failure = explained(progress, self.subject.dockerfile, self._by_hand(test_target))
            # What was built stays in the builder's cache: another attempt only does what is left.
            if not isinstance(failure, TransientError) or attempt == _ATTEMPTS:
                phase.note = "failed"
                raise failure
            phase.live(f"attempt {attempt} of {_ATTEMPTS} failed: {failure.why}")
            self.job.sleep(pause)
            pause *= 2
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _by_hand(self, target: str) -> str:
        files = f"--file {self.subject.dockerfile} {self.subject.context}"
        return f"docker buildx build --target {target} {files}" if target else ""

    def _common(self) -> list[str]:
        subject = self.subject
        arguments = ["--file", str(subject.dockerfile), "--builder", self.builder.name]
        for name, value in subject.arguments.items():
            arguments += ["--build-arg", f"{name}={value}"]
        return arguments

    def _run(self, title: str, arguments: list[str], progress: Progress) -> int:
        left = self.deadline - self.job.clock()
        if left <= 0:
            raise DeadlineExceeded("the time for the build ran out", do="Give `timeout` a longer time.")
        environment = dict(self.variables)
        if self.subject.epoch is not None:
            environment["SOURCE_DATE_EPOCH"] = str(self.subject.epoch)

        def line(text: str) -> None:
            progress.feed(text)
            self.job.log.line(f"    {text}" if text else "")

        with self.job.commands.group(title), self.job.commands.foreign_output():
            return self.buildx.build(arguments, line=line, check=self.job.check, timeout=left, environment=environment)


def export_arguments(builder: Builder, subject: Subject, *, push: bool, provenance: str, metadata: Path) -> list[str]:
    """Arguments for the final stage: labels, tags and where the result goes."""
    arguments = ["--metadata-file", str(metadata)]
    for name, value in subject.labels.items():
        arguments += ["--label", f"{name}={value}"]
    if not push:
        return [*arguments, "--output", "type=cacheonly"]
    for reference in subject.references:
        arguments += ["--tag", reference]
    attest = "false" if provenance == "false" else f"mode={provenance}"
    if not builder.exports_all:
        # `min` is buildx's own default where the image store can hold it; asking for it elsewhere is an error.
        return [*arguments, "--push", *([f"--provenance={attest}"] if provenance != "min" else [])]
    # With the commit's time on each file, the same sources give the same layers.
    stamp = ",rewrite-timestamp=true" if subject.epoch is not None else ""
    return [*arguments, "--output", f"type=image,push=true{stamp}", f"--provenance={attest}"]
