"""A deploy on the run's summary page: the result, what changed, the phases. Failures are worded elsewhere (report)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...job import Job
from ...plan.steps import Does, Step, headline
from ...report.summary import cell, folded, table
from ...report.text import duration

SHOWN = 50  # changed objects in the table; the log has all


def page(title: str, steps: Sequence[Step], images: Sequence[str], revisions: Mapping[str, str], job: Job) -> str:
    """The whole page in Markdown."""
    parts = [f"### {cell(title)}"]
    if steps:
        parts.append(headline(steps))
    if rows := [row for step in steps for row in _rows(step)]:
        parts.append(table(("object", "field", "before", "after"), rows[:SHOWN]))
        if len(rows) > SHOWN:
            parts.append(f"… and {len(rows) - SHOWN} more changes, in the log.")
    if images:
        parts.append(table(("image",), [(f"`{image}`",) for image in images]))
    if revisions:
        parts.append(table(("Deployment", "revision"), revisions.items()))
    parts.append(
        folded("Phases", "\n".join(f"{p.name:<14}{duration(p.seconds):>12}  {p.note}" for p in job.log.phases))
    )
    return "\n\n".join(parts)


def _rows(step: Step) -> list[tuple[str, str, str, str]]:
    if step.does is Does.NEW:
        return [(str(step.key), "", "", "new")]
    if step.does is Does.UNCHANGED:
        return []
    return [
        (
            str(step.key),
            change.path,
            *(("changed", "changed") if change.secret else (change.old[:200], change.new[:200])),
        )
        for change in step.changes
    ]
