"""A plan: each object with what is to be done to it, in waves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from ..manifests.objects import Key, Manifest
from . import waves
from .diff import Change, restarts


class Does(StrEnum):
    """What an apply does to an object."""

    NEW = "new"
    CHANGE = "change"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Step:
    """One object of a plan. `path` is its URL's path; `live` is what the cluster had before, None where nothing."""

    manifest: Manifest
    path: str
    wave: int
    live: dict[str, Any] | None = field(repr=False)
    does: Does
    proved: bool = False  # unchanged without a request
    checked: bool = True  # the server ran its validation and admission over it
    changes: tuple[Change, ...] = field(default=(), repr=False)

    @property
    def key(self) -> Key:
        return self.manifest.key

    @property
    def secret(self) -> bool:
        """Whether its values may be shown to nobody."""
        return hides(self.manifest)

    @property
    def restarts(self) -> int:
        """How many pods are replaced."""
        if self.does is not Does.CHANGE or not waves.is_workload(self.key) or not restarts(list(self.changes)):
            return 0
        live = self.live or {}
        status = live.get("status") or {}
        return int((live.get("spec") or {}).get("replicas") or status.get("currentNumberScheduled") or 0)


def hides(manifest: Manifest) -> bool:
    """Whether a manifest's values are secret: it is a Secret, or was encrypted in the repository."""
    return manifest.encrypted or (manifest.group, manifest.kind) == ("", "Secret")


def by_wave(steps: Iterable[Step]) -> list[list[Step]]:
    """The steps of each wave that has some, in order; inside a wave as they were written."""
    ordered = sorted(steps, key=lambda step: step.wave)
    return [list(group) for _, group in groupby(ordered, key=lambda step: step.wave)]


def headline(steps: Sequence[Step]) -> str:
    """`2 change, 1 new, 11 unchanged (9 proved, no request)`"""
    count = {does: sum(step.does is does for step in steps) for does in Does}
    proved = sum(step.proved for step in steps)
    note = (
        ""
        if not proved
        else " (proved, no request)"
        if proved == count[Does.UNCHANGED]
        else f" ({proved} proved, no request)"
    )
    return f"{count[Does.CHANGE]} change, {count[Does.NEW]} new, {count[Does.UNCHANGED]} unchanged{note}"


def lines(steps: Sequence[Step]) -> list[str]:
    """A line for each changed field, what is new at the end."""
    shown = []
    for step in steps:
        if step.does is not Does.CHANGE:
            continue
        note = f"   restarts {step.restarts} pod{'s' if step.restarts > 1 else ''}" if step.restarts else ""
        first = f"~ {_name(step.key):<28}"
        for change in step.changes:
            shown.append(f"{first} {change}{note}")
            first, note = " " * len(first), ""
    return shown + [f"+ {_name(step.key)}" for step in steps if step.does is Does.NEW]


def _name(key: Key) -> str:
    return f"{key.kind}/{key.name}"


def runs_pods(step: Step) -> bool:
    """Whether its rollout can be followed. A CronJob's pods come when their time comes."""
    return waves.is_workload(step.key) and step.key.kind not in ("CronJob", "ReplicationController")
