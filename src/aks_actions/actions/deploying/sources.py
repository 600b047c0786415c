"""From the input `manifests` to objects: files found, read, decrypted where they are encrypted."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import InputError, Location
from ...manifests.objects import Manifest, fits, manifests, unique
from ...manifests.reader import Source, documents

SUFFIXES = (".yaml", ".yml", ".json")
_ENVELOPE = b"ENC[AES256_GCM,data:"
Decrypt = Callable[[bytes, str], bytes]  # content and path of an encrypted file → its plaintext, masked


@dataclass(frozen=True)
class Read:
    """What was read."""

    manifests: list[Manifest]
    files: int
    encrypted: int


def read(patterns: Iterable[str], decrypt: Decrypt) -> Read:
    """All objects of all files. Every file is read and checked before anything is done with one of them."""
    paths = find(patterns)
    found: list[Manifest] = []
    encrypted = 0
    for path in paths:
        source = _source(path)
        if _is_encrypted(source):
            encrypted += 1
            found += _decrypted(source, decrypt)
        elif (at := source.data.find(_ENVELOPE)) >= 0:
            raise InputError(
                f"{path} has encrypted values, and no SOPS metadata to open them with",
                why="The `sops` section at its end is missing or was cut: the ciphertext itself would be applied.",
                do="Restore the file from Git.",
                at=Location(str(path), source.data.count(b"\n", 0, at) + 1),
            )
        else:
            found += [manifest for document in documents(source) for manifest in manifests(document)]
    if not found:
        raise InputError(
            "the manifests hold no object",
            why=f"{len(paths)} file{'s' if len(paths) > 1 else ''} read, each empty or comments only.",
            at=Location(str(paths[0])),
        )
    unique(found)
    for manifest in found:
        fits(manifest)
    return Read(found, len(paths), encrypted)


def find(patterns: Iterable[str]) -> list[Path]:
    """The files of paths, folders (all levels, hidden ones left out) and globs, each once, in the order given."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        if "://" in pattern:
            raise InputError(
                f"input `manifests`: {pattern} is a URL",
                why="What it serves may change between two runs.",
                do="Download it, check it in, and pass its path.",
            )
        files = list(_matching(pattern))
        if not files:
            raise InputError(
                f"input `manifests`: {pattern} matches no manifest",
                why=f"Looked for {', '.join(SUFFIXES)} below {Path.cwd()}.",
                do="Correct the path; the step runs in the workspace, after actions/checkout.",
            )
        found |= dict.fromkeys(files)
    if not found:
        raise InputError("input `manifests` is empty", do="Name the files, folders or globs to deploy.")
    return list(found)


def _matching(pattern: str) -> Iterator[Path]:
    path = Path(pattern)
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (file for file in sorted(path.rglob("*")) if _is_manifest(file.relative_to(path), file))
    else:
        matches = map(Path, sorted(glob.glob(pattern, recursive=True)))  # noqa: PTH207  # Path.glob: relative ones only
        yield from (file for file in matches if _is_manifest(file, file))


def _is_manifest(shown: Path, file: Path) -> bool:
    hidden = any(part.startswith(".") and part not in (".", "..") for part in shown.parts)
    return not hidden and file.suffix in SUFFIXES and file.is_file()


def _source(path: Path) -> Source:
    try:
        return Source(str(path), path.read_bytes())
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}", at=Location(str(path))) from None


def _is_encrypted(source: Source) -> bool:
    if b"sops" not in source.data:
        return False
    from sops_python.decrypt import is_encrypted

    return is_encrypted(source.data)


def _decrypted(source: Source, decrypt: Decrypt) -> Iterator[Manifest]:
    """The objects of an encrypted file; their places are those of the file that the user has."""
    closed = documents(source)
    plain = documents(Source(source.file, decrypt(source.data, source.file)))
    for before, after in zip(closed, plain, strict=True):
        yield from manifests(replace(after, source=source, line=before.line), encrypted=True)
