"""decrypt-secrets/cleanup: remove what decrypt-secrets wrote in this job, and restore what it replaced."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Failure, InputError
from ..job import Job
from .decrypting.record import records


@dataclass(frozen=True)
class Inputs:
    """It has none: what there is to clean up was written down."""


@dataclass(frozen=True)
class Outputs:
    """See actions/decrypt-secrets/cleanup/action.yml."""

    removed: int
    restored: int
    variables: str


def run(_: Inputs, job: Job) -> Outputs:
    """Clean up after every decrypt-secrets step of the job; a second time, nothing. All is tried before one fails."""
    removed = restored = 0
    variables: list[str] = []
    failed: list[Failure] = []
    with job.log.phase("Cleanup") as phase:
        for record in records(job.environ):
            try:
                gone, back = record.undo()
            except InputError as error:
                failed.append(error)
                continue
            removed, restored = removed + gone, restored + back
            for name in record.variables:
                job.commands.export(name, "")  # a job's variable can't be taken back, only emptied
            variables += record.variables
            record.discard()
        phase.note = _note(removed, restored, variables)
    if failed:
        raise failed[0]
    return Outputs(removed, restored, "\n".join(dict.fromkeys(variables)))


def _note(removed: int, restored: int, variables: list[str]) -> str:
    parts = [
        f"{removed} file(s) overwritten and removed" if removed else "",
        f"{restored} encrypted file(s) restored" if restored else "",
        f"{', '.join(dict.fromkeys(variables))} emptied" if variables else "",
    ]
    return ", ".join(filter(None, parts)) or "nothing was left"
