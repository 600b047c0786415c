"""Where pods are described: by shape rather than by kind, so that custom resources with a pod template count too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .reader import Path

_TEMPLATES: tuple[Path, ...] = (
    (
        "spec",
        "template",
        "spec",
    ),  # Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, Argo's Rollout, Knative's Service
    ("spec", "jobTemplate", "spec", "template", "spec"),  # CronJob
    ("template", "spec"),  # PodTemplate
)
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def pod_spec(found: dict[str, Any]) -> tuple[Path, dict[str, Any]] | None:
    """The path and value of the pod spec in an object; None where it has none."""
    for path in (("spec",), *_TEMPLATES) if found.get("kind") == "Pod" else _TEMPLATES:
        value: Any = found
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, dict) and isinstance(value.get("containers"), list):
            return path, value
    return None


def images(found: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    """Each image that an object's pods use, with its path: containers of every sort, and image volumes."""
    if (located := pod_spec(found)) is None:
        return
    path, spec = located
    for sort in _CONTAINERS:
        for index, container in enumerate(spec.get(sort) or []):
            if isinstance(container, dict) and isinstance(container.get("image"), str):
                yield (*path, sort, index, "image"), container["image"]
    for index, volume in enumerate(spec.get("volumes") or []):
        image = volume.get("image") if isinstance(volume, dict) else None
        if isinstance(image, dict) and isinstance(image.get("reference"), str):
            yield (*path, "volumes", index, "image", "reference"), image["reference"]
