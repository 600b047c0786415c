"""What can be told of encrypted files without any key: values by path, recipients, ages. Never a plaintext."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ...job import Job, Phase
from ...report.summary import cell, table
from . import ages
from .ages import Stale

if TYPE_CHECKING:
    from sops_python.decrypt import Encrypted

_SHOWN = 100  # paths a file


def tell(phase: Phase, path: str, closed: Encrypted, now: datetime) -> None:
    """A file's recipients and encrypted values, below the phase."""
    paths = list(encrypted_paths(closed.tree))
    since = ages.since(closed.metadata)
    age = f", data key at least {ages.days(since, now)} days old" if since else ""
    phase.detail(f"{path}   {closed.format.value}, {len(paths)} values encrypted{age}")
    for line in ages.recipients(closed.metadata, now):
        phase.detail(f"    {line}")
    for shown in paths[:_SHOWN]:
        phase.detail(f"    · {shown}")
    if len(paths) > _SHOWN:
        phase.detail(f"    and {len(paths) - _SHOWN} more")


def warn(job: Job, found: Sequence[Stale]) -> None:
    """One warning for each key past its time."""
    for stale in found:
        job.log.warn(str(stale))


def page(files: Sequence[tuple[str, Encrypted]], found: Sequence[Stale], now: datetime) -> str:
    """The summary of a dry run."""
    rows = []
    for path, closed in files:
        since = ages.since(closed.metadata)
        rows.append(
            (
                f"`{path}`",
                sum(1 for _ in encrypted_paths(closed.tree)),
                "\n".join(ages.recipients(closed.metadata, now)),
                f"{since:%Y-%m-%d}" if since else "",
            )
        )
    head = f"### ✔ decrypt-secrets: {len(files)} file(s), none opened (dry run)"
    return f"{head}\n\n{table(('file', 'values', 'recipients', 'data key since'), rows)}\n\n{due(found)}"


def due(found: Sequence[Stale]) -> str:
    """The keys past their rotation age, as a list; empty where there is none."""
    return "\n".join(["**To rotate:**\n", *(f"- {cell(stale)}" for stale in found)]) if found else ""


def encrypted_paths(tree: Any, at: str = "") -> Iterator[str]:
    """Where a file's encrypted values are, `a.b[0]`, in order; of several documents each by its own keys."""
    from sops_python.cipher import is_envelope
    from sops_python.tree import Branch, Comment

    if isinstance(tree, Branch):
        for key, value in tree:
            if not isinstance(key, Comment):
                yield from encrypted_paths(value, f"{at}.{key}".lstrip("."))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from encrypted_paths(value, f"{at}[{index}]" if at else "")
    elif isinstance(tree, str) and is_envelope(tree):
        yield at
