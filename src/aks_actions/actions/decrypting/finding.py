"""All files that a step decrypts: those of `files`, and those that kustomizations read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...job import Job
from .. import secrets
from ..keys import Given
from . import kustomize, sources
from .sources import MIB, Source

if TYPE_CHECKING:
    from ..decrypt import Inputs
    from .asking import Asked


@dataclass(frozen=True)
class Found:
    """The encrypted files; those in `replaced` (by path) are decrypted in place."""

    sources: list[Source]
    replaced: frozenset[str]
    note: str


def find(inputs: Inputs, asked: Asked, job: Job) -> Found:
    """Read every file. Raises InputError; and, where a kustomization is encrypted itself, what decryption raises."""
    limit = inputs.max_size * MIB
    read = sources.read(inputs.files, override=inputs.format, limit=limit)
    found = {source.below: source for source in read.sources}
    replaced = {source.path for source in read.sources} if inputs.in_place else set()
    for source in _of_kustomizations(inputs, job, limit):
        known = found.setdefault(source.below, source)
        replaced.add(known.path)
    note = f"{len(found)} from {', '.join((*inputs.files, *inputs.kustomizations))}" if found else ""
    if read.plain:
        note += f"; {read.plain} not encrypted, left out"
    if asked.named:
        note += f"{'; ' if note else ''}{', '.join(map(str, asked.named))}"
    return Found(list(found.values()), frozenset(replaced), note or "no file is encrypted")


def _of_kustomizations(inputs: Inputs, job: Job, limit: int) -> list[Source]:
    from sops_python.decrypt import is_encrypted

    def load(path: str) -> bytes:
        source = sources.one(path, root=Path.cwd(), limit=limit)
        if inputs.dry_run or not is_encrypted(source.data, format=source.format):
            return source.data
        return secrets.decrypted(job, [source], Given.of(inputs))[0].emit()

    found: dict[str, Source] = {}
    for path in kustomize.files(inputs.kustomizations, load):
        source = sources.one(path, root=Path.cwd(), limit=limit)
        if is_encrypted(source.data, format=source.format):
            found.setdefault(path, source)
    return list(found.values())
