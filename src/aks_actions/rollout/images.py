"""Proof that running containers are the images that were asked for, by the digest that the node's runtime reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..images.reference import parse
from .objects import Object, title


class Proof(StrEnum):
    """PROVED: the runtime names the digest. DIFFERENT: another image runs. UNPROVED: the runtime does not say."""

    PROVED = "proved"
    DIFFERENT = "different"
    UNPROVED = "unproved"


@dataclass(frozen=True)
class Running:
    """One running container's image: what was expected (a digest), what the runtime reports."""

    pod: str
    container: str
    image: str
    expected: str
    reported: str
    proof: Proof


def wanted(images: Iterable[str]) -> dict[str, str]:
    """Digests by full repository name, of images that are given by digest. Raises ValueError for others."""
    found: dict[str, str] = {}
    for image in images:
        reference = parse(image.rpartition("=")[2])
        if not reference.digest:
            raise ValueError(f"{image} has no digest")
        found[reference.name] = reference.digest
    return found


def running(workload: Object, pods: Iterable[Object], expected: Mapping[str, str]) -> list[Running]:
    """What each container of the workload's `pods` runs. Without an expectation, a digest in its template is one.

    The pods' own specs are not trusted for it: a mutating webhook may have written them anew.
    """
    spec = workload["spec"] if workload["kind"] == "Pod" else workload["spec"]["template"]["spec"]
    return [found for pod in pods for found in _of(pod, spec, expected)]


def _of(pod: Object, template: Mapping[str, Any], expected: Mapping[str, str]) -> Iterable[Running]:
    status = pod.get("status") or {}
    for field, states in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        reported = {each["name"]: str(each.get("imageID") or "") for each in status.get(states) or ()}
        specified = {each["name"]: str(each["image"]) for each in pod["spec"].get(field) or ()}
        for container in template.get(field) or ():
            name, wanted_image = str(container["name"]), parse(str(container["image"]))
            if digest := expected.get(wanted_image.name, wanted_image.digest):
                image = specified.get(name, "")
                seen = reported.get(name, "")
                yield Running(title(pod), name, image, digest, seen, _proof(digest, _digest(image), seen))


def _digest(image: str) -> str:
    return image.partition("@")[2]


def _proof(expected: str, specified: str, reported: str) -> Proof:
    """`reported` is containerd's `repository@digest`, Docker's `docker-pullable://…@digest`, or a bare image id."""
    _, at, digest = reported.rpartition("@")
    if at and digest == expected:
        return Proof.PROVED
    if specified and specified != expected:
        return Proof.DIFFERENT
    if not at:
        return Proof.UNPROVED  # an image id is the digest of its configuration, which no registry knows it by
    # Pulled by the expected digest, yet named by another one: the same image under two manifests (an index built again
    # with new attestations). The runtime had checked the digest that it pulled.
    return Proof.UNPROVED if specified == expected else Proof.DIFFERENT
