"""The encrypted files that a kustomization reads: sources of its Secrets, resources, patches, and bases of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError, Location
from ...manifests.reader import Source, documents

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FOLDERS = ("resources", "bases", "components")


def files(folders: Iterable[str], read: Callable[[str], bytes]) -> Iterator[str]:
    """Paths of the local files of kustomizations, themselves included.

    `read` gives a file's content, decrypted where it is encrypted. What comes from a URL is passed over. Raises
    InputError for a folder without a kustomization, and for files that are named and not there.
    """
    seen: set[str] = set()
    pending = [_kustomization(folder) for folder in folders]
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path
        for named in _named(_loaded(path, read(path))):
            if "://" in named or named.startswith("git@") or "?ref=" in named:
                continue
            found = os.path.normpath(Path(path).parent / named)
            if Path(found).is_dir():
                pending.append(_kustomization(found))
            elif Path(found).is_file():
                yield found
            elif not named.startswith("github.com/"):  # what kustomize would fetch
                raise InputError(f"{path} names {named}, which is not there", at=Location(path))


def _kustomization(folder: str) -> str:
    path = Path(os.path.normpath(folder))
    candidates = [path] if path.is_file() else [path / name for name in NAMES if (path / name).is_file()]
    if not candidates:
        raise InputError(f"{folder} holds no kustomization", why=f"Looked for {', '.join(NAMES)}.")
    return str(candidates[0])


def _loaded(path: str, data: bytes) -> dict[str, Any]:
    found = next(iter(documents(Source(path, data))), None)
    if found is None or not isinstance(found.value, dict):
        raise InputError(f"{path} is no kustomization: it is no mapping", at=Location(path))
    return found.value


def _named(kustomization: dict[str, Any]) -> Iterator[str]:
    for generator in _items(kustomization, "secretGenerator"):
        if isinstance(generator, dict):
            yield from (name.partition("=")[2] or name for name in _texts(generator, "files"))
            yield from _texts(generator, "envs")
            if isinstance(generator.get("env"), str):  # its old form
                yield generator["env"]
    for field in _FOLDERS:
        yield from _texts(kustomization, field)
    for field in ("patches", "patchesJson6902"):
        for patch in _items(kustomization, field):
            if isinstance(patch, dict) and isinstance(patch.get("path"), str):
                yield patch["path"]
    yield from (name for name in _texts(kustomization, "patchesStrategicMerge") if "\n" not in name)


def _items(mapping: dict[str, Any], name: str) -> list[Any]:
    found = mapping.get(name)
    return found if isinstance(found, list) else []


def _texts(mapping: dict[str, Any], name: str) -> list[str]:
    return [item for item in _items(mapping, name) if isinstance(item, str)]
