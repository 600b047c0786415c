"""Everything that is given to the later steps, made before the first byte of it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ...errors import InputError, Location
from ...manifests.objects import Manifest, manifests
from ...manifests.reader import Source as Text
from ...manifests.reader import documents
from ..deploying.sources import opened_manifests
from . import kubernetes
from .kubernetes import Made
from .sources import Source, stem

if TYPE_CHECKING:
    from sops_python.decrypt import Decrypted

    from .vaults import Contents


@dataclass(frozen=True)
class Opened:
    """A decrypted file."""

    source: Source
    plain: Decrypted = field(repr=False)

    @property
    def name(self) -> str:
        return self.source.path

    @property
    def documents(self) -> Sequence[Any]:
        return self.plain.documents

    def whole(self) -> bytes:
        return self.plain.emit()

    @property
    def is_manifest(self) -> bool:
        from sops_python.stores import Format

        found = self.plain.documents if self.plain.format in (Format.YAML, Format.JSON) else []
        return bool(found) and all(kubernetes.is_manifest(document) for document in found if document)


@dataclass
class Delivery:
    """What will be written and set, by kind; paths of files are below the output folder, those replaced as found."""

    files: dict[Path, bytes] = field(default_factory=dict, repr=False)
    replaced: dict[Path, bytes] = field(default_factory=dict, repr=False)
    variables: dict[str, str] = field(default_factory=dict, repr=False)
    values: dict[str, str] = field(default_factory=dict, repr=False)
    manifests: list[Manifest] = field(default_factory=list, repr=False)
    secret_names: list[str] = field(default_factory=list)

    def add(self, below: Path, content: bytes) -> None:
        """One more file. Raises InputError where another has its place."""
        if below in self.files or any(below in other.parents or other in below.parents for other in self.files):
            raise InputError(f"two values would be written to the same file, {below}", do="Give them other names.")
        self.files[below] = content


_SUFFIXES = {"yaml": ".yaml", "json": ".json", "dotenv": ".env", "ini": ".ini"}


def converted(opened: Opened, output: str) -> tuple[Path, bytes]:
    """A file's plaintext in another format, and its place. Raises InputError for what that format can't say."""
    from sops_python.errors import FileError
    from sops_python.stores import Format

    if not output or Format(output) is opened.plain.format:
        return opened.source.below, opened.plain.emit()
    try:
        content = opened.plain.emit(Format(output))
    except FileError as error:
        raise InputError(
            f"{opened.name} can't be written as {output}",
            why=str(error),
            do="Leave `output-format` out, or decrypt this file in a step of its own.",
            at=Location(opened.name),
        ) from None
    below = opened.source.below
    return below.with_name(Path(stem(below.name)).stem + _SUFFIXES.get(output, "")), content


def data_of(opened: Iterable[Opened], contents: Iterable[Contents]) -> dict[str, bytes]:
    """A Secret's data when nothing is selected, as kubectl makes it: a key for each variable of a dotenv file and
    each secret of a vault, and for any other file its name with the whole of it."""
    from sops_python.stores import Format

    data: dict[str, bytes] = {}

    def add(key: str, value: bytes, origin: str) -> None:
        if key in data:
            raise InputError(
                f"{origin} has the key {key}, which another file gives too", do="Select with `secret-data`."
            )
        data[key] = value

    for file in opened:
        if file.plain.format is Format.DOTENV:
            for document in file.documents:
                for key, value in document.items():
                    add(str(key), value if isinstance(value, bytes) else str(value).encode(), file.name)
        else:
            add(stem(file.source.below.name), file.whole(), file.name)
    for content in contents:
        for name, value in content.documents[0].items():
            add(name, value.encode(), content.name)
    return data


def made_manifest(made: Made) -> tuple[Manifest, bytes]:
    """The Secret as an object and as a file. Raises InputError."""
    found = kubernetes.secret(made)
    text = yaml.safe_dump(found, sort_keys=False).encode()
    source = Text(f"Secret {found['metadata']['name']}", json.dumps(found).encode())
    (document,) = documents(source)
    (manifest,) = manifests(document, encrypted=True)
    return manifest, text


def manifests_of(opened: Opened) -> list[Manifest]:
    """The objects of a decrypted manifest, at the places of the encrypted file. Raises InputError."""
    source = Text(opened.source.path, opened.source.data)
    return list(opened_manifests(source, opened.plain.emit()))


def bytes_of(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
