"""File formats. Each store turns text into branches (one a document) and branches into text; none of them decrypts."""

from __future__ import annotations

import enum
import importlib
import re
from typing import Protocol, cast

from sops_python.errors import FileError
from sops_python.tree import Branch, Value


class Format(enum.Enum):
    """The formats by the names that sops gives them."""

    YAML = "yaml"
    JSON = "json"
    DOTENV = "dotenv"
    INI = "ini"
    BINARY = "binary"


class Store(Protocol):
    """What a format's module provides."""

    NUMBERS_WERE_FLOAT64: bool  # old versions of sops read this format's integers as float64
    MERGES: bool  # readers of this format merge what stands under `<<`

    def load(self, text: str) -> list[Branch]:
        """All documents of an encrypted file, its metadata as a nested branch under `sops` in the first of them.

        Raises FileError with the position, never with content.
        """

    def load_plain(self, data: bytes) -> list[Branch]:
        """All documents of a plaintext file. Raises FileError with the position, never with content."""

    def emit(self, branches: list[Branch]) -> bytes:
        """A plaintext file. Raises FileError for what the format can't say."""

    def emit_encrypted(self, branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:
        """A file of sealed branches with its metadata, as sops lays it out; `indent`: blanks a level, None as sops."""

    def emit_value(self, value: Value) -> bytes:
        """One value of a tree, as `--extract` prints it."""


def store_for(file_format: Format) -> Store:
    """The store of a format, imported when it is first needed."""
    return cast(Store, importlib.import_module(f"sops_python.stores.{file_format.value}"))


_EXTENSIONS = {
    ".yaml": Format.YAML,
    ".yml": Format.YAML,
    ".json": Format.JSON,
    ".env": Format.DOTENV,
    ".ini": Format.INI,
}


def format_of(name: str) -> Format:
    """The format of a file by its name: what no extension tells is binary (`.YAML` too), as sops has it."""
    return next((known for extension, known in _EXTENSIONS.items() if name.endswith(extension)), Format.BINARY)


def text_of(data: bytes, file_format: Format | None) -> str:
    """The text that `load` takes; a byte that is no UTF-8 becomes a lone surrogate in formats where sops lets it pass.

    Raises FileError.
    """
    if file_format is Format.DOTENV:
        return data.decode("utf-8", "surrogateescape")  # here a byte order mark belongs to the first name
    errors = "surrogateescape" if file_format is Format.INI else "strict"
    try:
        return data.decode("utf-8", errors).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FileError(f"not UTF-8 (byte {error.start}): not a file that sops wrote") from None


def detect(text: str) -> Format:
    """The format that an encrypted text looks like, when neither name nor caller says it."""
    if text.lstrip()[:1] == "{":
        return Format.JSON
    if re.search(r"^sops_version=", text, re.MULTILINE):
        return Format.DOTENV
    return Format.INI if re.search(r"^\[sops\]", text, re.MULTILINE) else Format.YAML
