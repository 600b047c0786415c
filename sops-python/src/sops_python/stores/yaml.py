"""YAML: files as sops writes them by a reader of their own, all others by libyaml; written in sops's layout."""

from __future__ import annotations

from sops_python.errors import FileError
from sops_python.stores import yaml_canonical
from sops_python.stores.texts import extracted_text
from sops_python.tree import Branch, Value

NUMBERS_WERE_FLOAT64 = False
MERGES = True


def load(text: str) -> list[Branch]:
    """All documents; an empty one is an empty branch. Raises FileError with line and column, never with content."""
    branches = yaml_canonical.load(text)
    if branches is None:
        from sops_python.stores import yaml_events  # PyYAML costs as much start-up as all the rest together

        branches = yaml_events.load(text)
    return branches


def load_plain(data: bytes) -> list[Branch]:
    """As `load`, from bytes. Raises FileError."""
    try:
        return load(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FileError(f"not UTF-8 (byte {error.start}): YAML is") from None


def emit(branches: list[Branch]) -> bytes:
    """All documents."""
    from sops_python.stores.yaml_emit import emit_documents

    return emit_documents(branches).encode()


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:
    """All documents, each with the metadata at its end, as sops writes them."""
    from sops_python.stores.yaml_emit import emit_documents

    documents = [Branch([*branch, ("sops", metadata)]) for branch in branches]
    return (emit_documents(documents, indent) if indent else emit_documents(documents)).encode()


def emit_value(value: Value) -> bytes:
    """A text as it is, another value as YAML with a final newline."""
    from sops_python.stores.yaml_emit import emit_node

    text = extracted_text(value)
    return emit_node(value).encode() if text is None else text
