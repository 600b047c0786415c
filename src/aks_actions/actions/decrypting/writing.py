"""The writes of a step, in an order that can be taken back: files, the cluster, then variables."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import Failure, InputError
from ...job import Job
from . import cluster, files
from .delivery import Delivery
from .record import Record

if TYPE_CHECKING:
    from ..decrypt import Inputs
    from .cluster import Planned


@dataclass
class Written:
    """What was written, and where."""

    directory: str = ""
    files: list[str] = field(default_factory=list)
    values: str = field(default="", repr=False)
    told: str = ""


def write(inputs: Inputs, job: Job, delivery: Delivery, planned: Planned | None) -> Written:
    """All of it, or, where one file can't be written or the cluster refuses, none of the files.

    Raises InputError, TransientError (no space left), and what `cluster.apply` raises.
    """
    job.check()
    written = Written()
    record = Record.begin(job.environ)
    with ExitStack() as undo:
        undo.callback(_take_back, record, written)
        if delivery.files or delivery.replaced:
            with job.log.phase("Write") as phase:
                _files(inputs, job, delivery, record, written)
                _in_place(job, delivery, record, written)
                phase.note = _note(written, delivery)
        if planned:
            cluster.apply(planned, job)
        if delivery.variables:
            _export(job, delivery, record)
        undo.pop_all()  # all are there: they stay until the cleanup
    if delivery.values:
        written.values = json.dumps(delivery.values)
    written.told = _told(written, delivery, planned)
    return written


def _files(inputs: Inputs, job: Job, delivery: Delivery, record: Record, written: Written) -> None:
    if not delivery.files:
        return
    if inputs.output_directory:
        root = Path(inputs.output_directory)
    else:
        root = Path(tempfile.mkdtemp(prefix="secrets-", dir=job.environ.get("RUNNER_TEMP") or None))
        record.folders.append(files.absolute(root))
    targets = [root / below for below in delivery.files]
    _refuse_encrypted(targets)
    record.will_write(targets)
    for below, content in delivery.files.items():
        job.check()
        written.files.append(str(files.write(root, below, content)))
    written.directory = str(root)


def _refuse_encrypted(targets: list[Path]) -> None:
    """A file of the repository that SOPS encrypted is replaced by plaintext only where that was asked for."""
    from sops_python.decrypt import is_encrypted

    for target in targets:
        if target.is_file() and not target.is_symlink() and is_encrypted(target.read_bytes()):
            raise InputError(
                f"{target} would be replaced by plaintext",
                why="`output-directory` is where the encrypted files are.",
                do="Choose another folder, or none: the files then go to a new one under RUNNER_TEMP. "
                "`in-place` replaces them until the cleanup.",
            )


def _in_place(job: Job, delivery: Delivery, record: Record, written: Written) -> None:
    if not delivery.replaced:
        return
    here = Path.cwd()
    record.will_replace({path: path.read_bytes() for path in delivery.replaced})
    for path, content in delivery.replaced.items():
        job.check()
        whole = files.absolute(path)
        inside = whole.is_relative_to(here)  # then no folder on the way may be a symlink; outside the user chose it
        files.write(here if inside else whole.parent, whole.relative_to(here if inside else whole.parent), content)
        written.files.append(str(path))


def _take_back(record: Record, written: Written) -> None:
    """After a failure. A file of the user's that was not overwritten yet stays."""
    record.files = [path for path in record.files if str(path) in {str(files.absolute(name)) for name in written.files}]
    try:
        record.undo()
    except Failure:
        return  # it stays written down: the cleanup tries again
    record.discard()


def _export(job: Job, delivery: Delivery, record: Record) -> None:
    with job.log.phase("Export") as phase:
        record.will_export(delivery.variables)
        for name, value in delivery.variables.items():
            job.commands.export(name, value)
        phase.note = ", ".join(delivery.variables)


def _note(written: Written, delivery: Delivery) -> str:
    count = len(delivery.files)
    parts = [f"{count} to {written.directory}, readable by this user alone"] if count else []
    parts += [f"{len(delivery.replaced)} in place"] if delivery.replaced else []
    return ", ".join(parts)


def _told(written: Written, delivery: Delivery, planned: Planned | None) -> str:
    parts = [
        f"{len(delivery.files)} file(s) in {written.directory}" if delivery.files else "",
        f"{len(delivery.replaced)} file(s) decrypted in place" if delivery.replaced else "",
        f"Secret {', '.join(delivery.secret_names)} in the cluster" if planned and delivery.secret_names else "",
        f"{len(delivery.variables)} variable(s) for the later steps" if delivery.variables else "",
        f"{len(delivery.values)} value(s) as output" if delivery.values else "",
    ]
    return " and ".join(filter(None, parts)) or "Nothing was to be written"
