"""From the input `manifests` to objects: files found, read, decrypted where they are encrypted."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import InputError, Location
from ...manifests.objects import Manifest, fits, manifests, unique
from ...manifests.reader import Document, Source, documents
from ..decrypting.sources import format_for
from ..secrets import Sealed

SUFFIXES = (".yaml", ".yml", ".json")
DECRYPT = "kustomize.toolkit.fluxcd.io/decrypt"  # an annotation; Enabled is its default, Disabled the other value
_ENVELOPE = b"ENC[AES256_GCM,data:"
Decrypt = Callable[[Sequence[Sealed]], Sequence[bytes]]  # encrypted files → their plaintexts, masked


@dataclass(frozen=True)
class Read:
    """What was read."""

    manifests: list[Manifest]
    files: int
    encrypted: int  # files that were decrypted
    left: int = 0  # files that hold objects which something in the cluster decrypts


def read(patterns: Iterable[str], decrypt: Decrypt) -> Read:
    """All objects of all files. Every file is read and checked before anything is done with one of them."""
    sources = [_source(path) for path in find(patterns)]
    closed = {source.file: sealed for source in sources if (sealed := _sealed(source))}
    left = {source.file for source in sources if source.file in closed and _any_stays_encrypted(source)}
    to_open = [sealed for sealed in closed.values() if sealed.path not in left or _any_opens(sealed)]
    plain = {sealed.path: text for sealed, text in zip(to_open, decrypt(to_open), strict=True)} if to_open else {}
    found: list[Manifest] = []
    for source in sources:
        if source.file in plain:
            found += opened_manifests(source, plain[source.file])
        elif source.file in left:
            found += [manifest for document in documents(source) for manifest in _as_it_stands(document)]
        else:
            _refuse_ciphertext(source)
            found += [manifest for document in documents(source) for manifest in manifests(document)]
    if not found:
        raise InputError(
            "the manifests hold no object",
            why=f"{len(sources)} file{'s' if len(sources) > 1 else ''} read, each empty or comments only.",
            at=Location(sources[0].file),
        )
    unique(found)
    for manifest in found:
        fits(manifest)
    return Read(found, len(sources), len(plain), len(left))


def _refuse_ciphertext(source: Source) -> None:
    if (at := source.data.find(_ENVELOPE)) >= 0:
        raise InputError(
            f"{source.file} has encrypted values, and no SOPS metadata to open them with",
            why="The `sops` section at its end is missing or was cut: the ciphertext itself would be applied.",
            do="Restore the file from Git.",
            at=Location(source.file, source.data.count(b"\n", 0, at) + 1),
        )


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


def _sealed(source: Source) -> Sealed | None:
    """The file as one to decrypt, where it is encrypted. Raises InputError where it would be no manifest then."""
    if b"sops" not in source.data:
        return None
    from sops_python.decrypt import is_encrypted
    from sops_python.stores import Format

    chosen = format_for(source.file, source.data)
    if not is_encrypted(source.data, format=chosen):
        return None
    if chosen not in (Format.YAML, Format.JSON):
        raise InputError(
            f"{source.file} is an encrypted {chosen.value} file, and no manifest",
            why="Only YAML and JSON hold Kubernetes objects.",
            do="Make a Secret of it: actions/decrypt-secrets with `kubernetes`.",
            at=Location(source.file),
        )
    return Sealed(source.file, source.data, chosen)


def _any_stays_encrypted(source: Source) -> bool:
    return DECRYPT.encode() in source.data and any(map(_stays_encrypted, documents(source)))


def _any_opens(sealed: Sealed) -> bool:
    return not all(map(_stays_encrypted, documents(Source(sealed.path, sealed.data))))


def opened_manifests(source: Source, plain: bytes) -> Iterator[Manifest]:
    """The objects of an encrypted file; their places are those of the file that the user has.

    An object that says so stays as it is in the file: something in the cluster decrypts it.
    """
    closed = documents(source)
    opened = documents(Source(source.file, plain))
    for before, after in zip(closed, opened, strict=True):
        if _stays_encrypted(before):
            yield from _as_it_stands(before)
        else:
            yield from manifests(replace(after, source=source, line=before.line), encrypted=True)


def _stays_encrypted(document: Document) -> bool:
    """Flux's annotation, by which it leaves an object to another controller; read from the file as it stands."""
    metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    value = annotations.get(DECRYPT) if isinstance(annotations, dict) else None
    return isinstance(value, str) and value.lower() == "disabled"


def _as_it_stands(document: Document) -> Iterator[Manifest]:
    """The object with its ciphertext and `sops` section, as the controller that decrypts it expects."""
    if document.value.get("apiVersion") == "v1":
        kind = document.value.get("kind")
        raise InputError(
            f"this {kind} is not to be decrypted ({DECRYPT}: disabled), and would hold ciphertext in the cluster",
            why=f"A {kind} has no place for SOPS metadata: the API server refuses the field `sops`.",
            do="Remove the annotation, or use the kind of the controller that decrypts it.",
            at=document.at(("metadata", "annotations", DECRYPT)),
        )
    yield from manifests(document)
