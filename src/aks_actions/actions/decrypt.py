"""Decrypt SOPS files for a job's later steps: all are opened, verified and masked before the first byte is written."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..github.commands import exportable
from ..inputs import Lines, Secret
from ..job import Job
from ..report.summary import cell, table
from . import secrets
from .decrypting import files, sources, variables

if TYPE_CHECKING:
    from sops_python.decrypt import Decrypted

    from .decrypting.sources import Source
    from .decrypting.variables import Wanted


@dataclass(frozen=True)
class Inputs:
    files: Lines
    output_directory: str
    environment: Lines
    tenant_id: str
    client_id: str
    age_key: Secret


@dataclass(frozen=True)
class Outputs:
    directory: str
    files: str
    variables: str


def run(inputs: Inputs, job: Job) -> Outputs:
    """Phases: Files, Decrypt, Export, Write. A failure of any file leaves nothing written and nothing exported."""
    with job.log.phase("Files") as phase:
        found = sources.read(inputs.files)
        wanted = variables.parse(inputs.environment)
        _check_names(wanted, job)
        phase.note = f"{len(found)} from {', '.join(inputs.files)}"
    with job.log.phase("Decrypt") as phase:
        opened = [(source, _decrypted(inputs, job, source)) for source in found]
        phase.note = f"{len(opened)} opened, every MAC verified, values masked"
        for source, plain in opened:
            phase.detail(f"{source.path}   changed {plain.metadata.lastmodified or 'at no known time'}")
    values = _values(wanted, opened)
    job.check()
    directory = ""
    written: list[str] = []
    if inputs.output_directory or not wanted:
        directory, written = _write(inputs, job, opened)
    if values:
        _export(job, values)
    job.log.line(f"✔ {_result(directory, written, values)}")
    _summarise(job, opened, directory, list(values))
    return Outputs(directory, "\n".join(written), "\n".join(values))


def _check_names(wanted: list[Wanted], job: Job) -> None:
    for item in wanted:
        exportable(item.name)
    if wanted and not job.environ.get("GITHUB_ENV"):
        raise InputError(
            "`environment` has no effect here",
            why="Variables are handed to the later steps of a GitHub job, and this is none (GITHUB_ENV is not set).",
            do="Use --output-directory.",
        )


def _decrypted(inputs: Inputs, job: Job, source: Source) -> Decrypted:
    job.check()
    return secrets.decrypted(job, source.data, source.path, inputs.tenant_id, inputs.client_id, inputs.age_key)


def _values(wanted: list[Wanted], opened: list[tuple[Source, Decrypted]]) -> dict[str, str]:
    documents = [(source.path, document) for source, plain in opened for document in plain.documents]
    return {item.name: variables.select(item, documents) for item in wanted}


def _write(inputs: Inputs, job: Job, opened: list[tuple[Source, Decrypted]]) -> tuple[str, list[str]]:
    contents = [(source, plain.emit()) for source, plain in opened]
    with job.log.phase("Write") as phase, ExitStack() as undo:
        if inputs.output_directory:
            root = Path(inputs.output_directory)
            _refuse_in_place(root, opened)
        else:
            root = Path(tempfile.mkdtemp(prefix="secrets-", dir=job.environ.get("RUNNER_TEMP") or None))
            undo.callback(shutil.rmtree, root, ignore_errors=True)
        written: list[str] = []
        for source, content in contents:
            job.check()
            new = not (root / source.below).exists()
            target = files.write(root, source.below, content)
            if new:
                undo.callback(target.unlink, missing_ok=True)
            written.append(str(target))
        undo.pop_all()  # all are there: they stay
        phase.note = f"{len(written)} to {root}, readable by this user alone"
    return str(root), written


def _refuse_in_place(root: Path, opened: list[tuple[Source, Decrypted]]) -> None:
    for source, _ in opened:
        target = root / source.below
        if target.exists() and target.samefile(source.path):
            raise InputError(
                f"{source.path} would be replaced by its own plaintext",
                why="`output-directory` is where the encrypted files are.",
                do="Choose another folder, or none: the files then go to a new one under RUNNER_TEMP.",
            )


def _export(job: Job, values: dict[str, str]) -> None:
    with job.log.phase("Export") as phase:
        for name, value in values.items():
            job.commands.export(name, value)
        phase.note = ", ".join(values)


def _result(directory: str, written: list[str], values: dict[str, str]) -> str:
    parts = [f"{len(written)} file(s) in {directory}"] if directory else []
    parts += [f"{len(values)} variable(s) for the later steps"] if values else []
    return " and ".join(parts)


def _summarise(job: Job, opened: list[tuple[Source, Decrypted]], directory: str, names: list[str]) -> None:
    rows = [(f"`{source.path}`", "decrypted, MAC verified", plain.metadata.lastmodified) for source, plain in opened]
    head = f"### ✔ decrypt-secrets: {len(opened)} file(s)"
    where = [f"Files in `{cell(directory)}`"] if directory else []
    where += [f"Variables {', '.join(f'`{name}`' for name in names)}"] if names else []
    job.commands.summary(f"{head}\n\n{'. '.join(where)}.\n\n{table(('file', 'result', 'changed'), rows)}")
