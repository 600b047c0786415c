"""Build an image, run its tests, push it, and prove that the registry has it."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from ..errors import BuildFailed
from ..http import Http
from ..inputs import Items, Lines, Secret
from ..job import Job
from ..process import buildx
from ..registry.client import Registry
from ..registry.docker_config import with_login
from ..registry.login import Login
from ..report.summary import cell, table
from ..report.text import duration
from .building import login
from .building.runs import Runs, export_arguments
from .building.subject import Subject, prepare

# Neither the job's inputs nor its right to ask for tokens are any business of a Dockerfile's frontend.
_PRIVATE = ("INPUT_", "ACTIONS_ID_TOKEN_")


@dataclass(frozen=True)
class Inputs:
    image: str
    tags: Lines
    context: str
    file: str
    target: str
    test_target: str
    build_args: Lines
    platforms: Items
    push: bool
    provenance: Literal["min", "max", "false"]
    builder: str
    tenant_id: str
    client_id: str
    registry_username: str
    registry_password: Secret
    timeout: timedelta


@dataclass(frozen=True)
class Outputs:
    digest: str
    image: str
    tags: str


def run(inputs: Inputs, job: Job) -> Outputs:
    """Phases: Builder, Credentials, Test, Build, Verify. Nothing is sent before the inputs are checked."""
    subject = prepare(inputs, job)
    commit = f"commit {subject.commit[:7]}" if subject.commit else ""
    job.log.line(f"build  {subject.context} → {subject.image.path}   {commit}".rstrip())
    http = Http(job.environ, job.sleep)
    environment = {name: value for name, value in job.environ.items() if not name.startswith(_PRIVATE)}
    with job.log.phase("Builder") as phase:
        found = buildx.Buildx.find(environment)
        builder = found.builder(inputs.builder, job.check)
        phase.note = f"{builder.name}, driver {builder.driver}" + (
            f", BuildKit {builder.version}" * bool(builder.version)
        )
    user = _credentials(inputs, job, subject, http) if inputs.push else None
    with contextlib.ExitStack() as stack:
        host = subject.image.registry
        variables = stack.enter_context(with_login(environment, host, user)) if user else {}
        deadline = job.clock() + inputs.timeout.total_seconds()
        runs = Runs(job, found, builder, subject, deadline, variables)
        if inputs.test_target:
            _test(inputs, runs)
        job.check()
        digest, steps = _build(inputs, runs)
    if not inputs.push:
        job.log.line(
            f"✔ {subject.image.path} builds{' and its tests pass' * bool(inputs.test_target)}. Nothing was pushed."
        )
        return Outputs("", "", "")
    _verify(job, subject, digest, Registry(host, http, user))
    image = str(subject.image.at(digest))
    took = duration(job.clock() - job.started)
    job.log.line(f"✔ {image} is in the registry. {took} in all.")
    _summarise(job, subject, image, f"{steps}, {took}", tested=bool(inputs.test_target))
    return Outputs(digest, image, "\n".join(subject.references))


def _credentials(inputs: Inputs, job: Job, subject: Subject, http: Http) -> Login | None:
    host = subject.image.registry
    with job.log.phase("Credentials") as phase:
        found, phase.note = login.obtain(
            job,
            http,
            host,
            user=inputs.registry_username,
            password=inputs.registry_password,
            tenant_id=inputs.tenant_id,
            client_id=inputs.client_id,
        )
        if found:
            login.require_push(http, host, subject.image.repository, found, inputs.client_id)
    return found


def _test(inputs: Inputs, runs: Runs) -> None:
    with runs.job.log.phase("Test") as phase:
        arguments = ["--target", inputs.test_target, "--output", "type=cacheonly"]
        runs.build(phase, f"buildx build --target {inputs.test_target}", arguments, test_target=inputs.test_target)


def _build(inputs: Inputs, runs: Runs) -> tuple[str, str]:
    """The digest of what was pushed (empty without a push), and how many steps there were."""
    with (
        runs.job.log.phase("Build") as phase,
        tempfile.TemporaryDirectory(dir=runs.job.environ.get("RUNNER_TEMP") or None) as folder,
    ):
        metadata = Path(folder) / "metadata.json"
        arguments = export_arguments(
            runs.builder, runs.subject, push=inputs.push, provenance=inputs.provenance, metadata=metadata
        )
        if inputs.target:
            arguments += ["--target", inputs.target]
        if inputs.platforms:
            arguments += ["--platform", ",".join(inputs.platforms)]
        title = f"buildx build{' --push' * inputs.push}"
        progress = runs.build(phase, title, arguments)
        digest = buildx.digest(metadata) if inputs.push else ""
        phase.note = progress.note + (f", pushed {digest[:19]}…" if digest else "")
        if inputs.push and not digest:
            raise BuildFailed("buildx pushed the image and did not say its digest", do="Update buildx: 0.12 or newer.")
        return digest, progress.note


def _verify(job: Job, subject: Subject, digest: str, registry: Registry) -> None:
    with job.log.phase("Verify") as phase:
        if registry.resolve(subject.image.repository, digest) != digest:
            raise BuildFailed(
                f"the registry does not have {subject.image.at(digest)}, which was just pushed",
                why="It was deleted meanwhile (a purge task?), or the registry lost it.",
                do="Run the job again.",
            )
        phase.note = "the registry answers for the digest"


def _summarise(job: Job, subject: Subject, image: str, how: str, *, tested: bool) -> None:
    rows = [("image", f"`{image}`"), ("tags", ", ".join(f"`{tag}`" for tag in subject.tags))]
    rows += [("commit", f"`{subject.commit}`")] if subject.commit else []
    rows += [("tests", "passed")] if tested else []
    head = f"### ✔ build: {cell(subject.image.path)}"
    job.commands.summary(f"{head}\n\n{table(('', ''), [*rows, ('build', how)])}")
