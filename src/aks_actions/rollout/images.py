"""Proof that running containers are the images that were asked for, by the digest that the node's runtime reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

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


def running(pods: Iterable[Object], expected: Mapping[str, str]) -> list[Running]:
    """What each container of `pods` runs. Without an expectation, a digest in the pod's own spec is one."""
    return [found for pod in pods for found in _of(pod, expected)]


def _of(pod: Object, expected: Mapping[str, str]) -> Iterable[Running]:
    status = pod.get("status") or {}
    for field, states in (("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")):
        reported = {each["name"]: str(each.get("imageID") or "") for each in status.get(states) or ()}
        for container in pod["spec"].get(field) or ():
            reference = parse(str(container["image"]))
            digest = expected.get(reference.name, reference.digest)
            if not digest:
                continue
            seen = reported.get(container["name"], "")
            yield Running(
                title(pod),
                str(container["name"]),
                str(container["image"]),
                digest,
                seen,
                _proof(digest, reference.digest, seen),
            )


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
