"""Any other file: its bytes are one value, `data`, of a JSON file."""

from __future__ import annotations

from sops_python.errors import FileError
from sops_python.stores import json
from sops_python.stores.texts import extracted_text
from sops_python.tree import Branch, Value

NUMBERS_WERE_FLOAT64 = True
MERGES = False

_KEY = "data"


def load(text: str) -> list[Branch]:
    """The JSON of an encrypted file. Raises FileError."""
    return json.load(text)


def load_plain(data: bytes) -> list[Branch]:
    """Bytes, whatever they are."""
    try:
        value: Value = data.decode()
    except UnicodeDecodeError:
        value = data
    return [Branch([(_KEY, value)])]


def emit(branches: list[Branch]) -> bytes:
    """The bytes. Raises FileError for a tree that is not a binary file's."""
    for key, value in branches[0] if len(branches) == 1 else ():
        if key == _KEY and isinstance(value, str | bytes):
            return emit_value(value)
    raise FileError(f"there is no text at the key `{_KEY}`: this was no binary file; ask for another output type")


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:
    """JSON, as sops lays it out."""
    return json.emit_encrypted(branches, metadata, indent=indent)


def emit_value(value: Value) -> bytes:
    """A text as it is. Raises FileError for anything else."""
    if (text := extracted_text(value)) is not None:
        return text
    raise FileError("only a text can be written as a binary file")
