"""Where an object came from, as annotations that never count as a change: a new commit alone writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..manifests.objects import Manifest

REPOSITORY, COMMIT, RUN = (f"aks-actions/{name}" for name in ("repository", "commit", "run"))
KEYS = frozenset((REPOSITORY, COMMIT, RUN))


def of_run(repository: str, commit: str, run_url: str) -> dict[str, str]:
    """The annotations of this run; none outside of a workflow."""
    return {key: value for key, value in ((REPOSITORY, repository), (COMMIT, commit), (RUN, run_url)) if value}


def as_live(manifest: Manifest, live: dict[str, Any] | None) -> Manifest:
    """The manifest with the trace that the live object carries: what would be applied if nothing else changed."""
    there = (live or {}).get("metadata", {}).get("annotations") or {}
    return manifest.annotated({key: value for key, value in there.items() if key in KEYS})


def as_run(manifest: Manifest, annotations: Mapping[str, str]) -> Manifest:
    """The manifest with this run's trace in place of an older one."""
    metadata = manifest.object["metadata"]
    kept = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in KEYS}
    changed = {key: value for key, value in metadata.items() if key != "annotations"}
    if merged := {**kept, **annotations}:
        changed["annotations"] = merged
    return replace(manifest, object={**manifest.object, "metadata": changed})
