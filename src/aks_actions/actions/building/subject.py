"""What is to be built, from the inputs and Git: everything is checked before anything is asked of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...images import naming
from ...images.reference import Reference, parse
from ...job import Job
from ...process import git

if TYPE_CHECKING:
    from ..build import Inputs


@dataclass(frozen=True)
class Subject:
    """One image to be: its repository, its tags, and what goes into it."""

    image: Reference
    tags: tuple[str, ...]
    context: Path
    dockerfile: Path
    commit: str
    epoch: int | None  # time of the commit, seconds of the epoch
    labels: Mapping[str, str]
    arguments: Mapping[str, str] = field(repr=False)

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(f"{self.image.path}:{tag}" for tag in self.tags)


def prepare(inputs: Inputs, job: Job) -> Subject:
    """Check the inputs against each other and the disk. Raises InputError."""
    image = _image(inputs)
    context, dockerfile, text = _files(inputs)
    for stage in filter(None, (inputs.test_target, inputs.target)):
        known = naming.stages(text)
        if stage.lower() not in map(str.lower, known) and not stage.isdigit():
            raise InputError(
                f"{dockerfile} has no stage {stage!r}",
                why=f"Its stages: {', '.join(known) or 'none has a name'}.",
                do=f"Write `FROM … AS {stage}`, or name one of its stages.",
            )
    head = git.head(context, job.environ)
    commit = head.commit or job.context.commit  # of what is built, whatever commit started the run
    try:
        tags = naming.tags(inputs.tags, commit)
    except ValueError as error:
        raise InputError(f"`tags` can't be used: {error}") from None
    if inputs.push and not tags:
        raise InputError(
            "no tag to push under",
            why="`tags` is empty, and there is neither GITHUB_SHA nor a Git repository to take the commit from.",
            do="Pass `tags`.",
        )
    version = naming.version(job.context.ref, tags)
    epoch = _epoch(job.environ.get("SOURCE_DATE_EPOCH", ""), head.time)
    source = f"{job.environ.get('GITHUB_SERVER_URL', '')}/{job.context.repository}" if job.context.repository else ""
    try:
        arguments = naming.build_arguments(inputs.build_args, text, {"VERSION": version, "COMMIT": commit})
    except ValueError as error:
        raise InputError(f"`build-args` can't be used: {error}", do="Write NAME=value, one a line.") from None
    labels = naming.labels(commit=commit, source=source, version=version, epoch=epoch)
    return Subject(image, tags, context, dockerfile, commit, epoch, labels, arguments)


def _image(inputs: Inputs) -> Reference:
    # In a fork's pull request ${{ vars.REGISTRY }} is empty: `/shop` still names what is built and tested there.
    text = inputs.image if inputs.push else inputs.image.lstrip("/")
    try:
        image = parse(text)
    except ValueError as error:
        unset = "It begins with `/`: the variable that holds the registry is not set." if text.startswith("/") else ""
        raise InputError(f"`image` is {inputs.image!r}: {error}", why=unset, do="Such as acr.azurecr.io/shop") from None
    if image.tag or image.digest:
        raise InputError(
            f"`image` is {inputs.image!r}: it holds a {'tag' if image.tag else 'digest'}",
            why="`image` is the repository alone; a digest comes out of the build.",
            do=f"image: {image.path}" + (f"\ntags: {image.tag}" if image.tag else ""),
        )
    if inputs.push and not image.registry:
        raise InputError(
            f"`image` is {inputs.image!r}: it names no registry",
            why="Without one it would be pushed to Docker Hub, which is rarely meant.",
            do=f"Such as acr.azurecr.io/{image.repository}, or docker.io/OWNER/{image.repository}.",
        )
    return image


def _files(inputs: Inputs) -> tuple[Path, Path, str]:
    context = Path(inputs.context)
    if not context.is_dir():
        raise InputError(
            f"the build's context {inputs.context} is {'no folder' if context.exists() else 'not there'}",
            why=f"It is looked for from {Path.cwd()}.",
            do="Is actions/checkout before this step? Else correct `context`.",
        )
    dockerfile = Path(inputs.file) if inputs.file else context / "Dockerfile"
    try:
        return context, dockerfile, dockerfile.read_text(errors="replace")
    except OSError as error:
        raise InputError(
            f"the Dockerfile {dockerfile} can't be read: {error.strerror}",
            why="" if inputs.file else "`file` is not given, so it is looked for in the context.",
            do="Correct `file` or `context`; both start at the workspace.",
        ) from None


def _epoch(given: str, commit_time: int | None) -> int | None:
    if not given:
        return commit_time
    if not given.isdigit():
        raise InputError(f"SOURCE_DATE_EPOCH is {given!r}", why="It counts seconds since 1970.", do="Unset it.")
    return int(given)
