"""Other images into manifests, by the repository's name: registries with ports and digests are understood, not cut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..images.reference import Reference, parse
from .objects import Manifest
from .pods import images
from .reader import Path


@dataclass(frozen=True)
class Replacement:
    """Every image called `name` becomes `image`."""

    name: str
    image: Reference

    def __str__(self) -> str:
        return str(self.image)


def replacements(entries: Iterable[str]) -> list[Replacement]:
    """The input `images`: `image`, or `name=image`.

    Raises InputError for what is no reference, moves with `latest`, or contradicts itself.
    """
    found: dict[str, Replacement] = {}
    for entry in entries:
        name, equals, image = entry.rpartition("=")
        try:
            reference = parse(image.strip())
            named = parse(name.strip()).name if equals else reference.name
        except ValueError as error:
            raise InputError(
                f"input `images`: {entry!r}: {error}",
                do="Write registry/repository@sha256:… or name=registry/repository@sha256:…",
            ) from None
        if not (reference.tag or reference.digest):
            raise InputError(
                f"input `images`: {entry!r} says neither digest nor tag",
                why="Whatever `latest` is at that moment would be deployed.",
                do="Pass the `image` output of actions/build, or add a tag.",
            )
        wanted = Replacement(named, reference)
        if found.setdefault(named, wanted) != wanted:
            raise InputError(
                f"input `images` names {named} twice", why=f"as {found[named]} and as {wanted}", do="Keep one of them."
            )
    return list(found.values())


def replaced(manifests: Sequence[Manifest], wanted: Sequence[Replacement]) -> list[Manifest]:
    """The manifests with the wanted images.

    Raises InputError for a replacement that meets no image: the new version would not be deployed, and nobody told.
    """
    by_name = {replacement.name: replacement for replacement in wanted}
    if not by_name:
        return list(manifests)
    used: set[str] = set()
    result = []
    for manifest in manifests:
        changes: dict[Path, str] = {}
        for path, image in images(manifest.object):
            try:
                name = parse(image).name
            except ValueError:
                continue  # no reference, so nobody's name; the kubelet says InvalidImageName
            if name in by_name:
                used.add(name)
                changes[path] = str(by_name[name].image)
        result.append(_with(manifest, changes))
    if unused := [name for name in by_name if name not in used]:
        there = sorted({image for manifest in manifests for _, image in images(manifest.object)})
        raise InputError(
            f"input `images`: no manifest uses {', '.join(unused)}",
            why="The manifests use: " + (", ".join(there) or "no image at all"),
            do=f"Write the name that the manifests use before it: NAME={by_name[unused[0]].image}",
        )
    return result


def _with(manifest: Manifest, changes: dict[Path, str]) -> Manifest:
    if not changes:
        return manifest
    changed = copy.deepcopy(manifest.object)
    for path, image in changes.items():
        *steps, last = path
        place: Any = changed
        for step in steps:
            place = place[step]
        place[last] = image
    return replace(manifest, object=changed)
