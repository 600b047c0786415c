"""dotenv: `NAME=value`, one a line; no quotes, no `export`, nothing trimmed; a newline in a value is written `\\n`."""

from __future__ import annotations

from sops_python.errors import FileError
from sops_python.scalars import float_fixed
from sops_python.stores.flat import flatten, unflatten
from sops_python.tree import Branch, Comment, Scalar, Sequence, Value

NUMBERS_WERE_FLOAT64 = False
MERGES = False

_PREFIX = "sops_"


def load(text: str) -> list[Branch]:
    """One branch; the `sops_…` names are its metadata. Raises FileError."""
    branch, flat = Branch(), []
    for key, value in _lines(text):
        if isinstance(key, str) and key.startswith(_PREFIX):
            flat.append((key.removeprefix(_PREFIX), str(value)))
        else:
            branch.append((key, value))
    if flat:
        branch.append(("sops", unflatten(flat)))
    return [branch]


def load_plain(data: bytes) -> list[Branch]:
    """One branch. Raises FileError for a line that is neither empty, a comment, nor an assignment."""
    # Bytes that are no UTF-8 pass through: they come out of `_lines` as surrogates, and are bytes again in the tree.
    branch = Branch((key, _whole(value)) for key, value in _lines(data.decode("utf-8", "surrogateescape")))
    if any(isinstance(key, str) and key.startswith(_PREFIX) for key, _ in branch):
        raise FileError(f"a name begins with `{_PREFIX}`: the file is encrypted already, or would be taken for it")
    return [branch]


def _lines(text: str) -> Branch:
    branch = Branch()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        if line[0] == "#":
            branch.append((Comment(line[1:]), None))
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise FileError(f"line {number}: neither a comment nor NAME=value")
        branch.append((name, value.replace("\\n", "\n")))
    return branch


def _whole(value: Value) -> Value:
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogateescape")
    return value


def emit(branches: list[Branch]) -> bytes:
    """The first document. Raises FileError for a value that is a mapping or a list."""
    return b"".join(_line(key, value) for key, value in (branches[0] if branches else ()))


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:  # noqa: ARG001  # no levels
    """The first document with its metadata in `sops_…` names."""
    flat = "".join(f"{_PREFIX}{name}={text}\n" for name, text in flatten(metadata))
    return emit(branches) + flat.encode()


def emit_value(value: Value) -> bytes:
    """A text as it is. Raises FileError for a mapping or a list."""
    if isinstance(value, Branch | Sequence | Comment):
        raise FileError("dotenv has no mappings and no lists: name one value, or ask for another output type")
    return _bytes(value)


def _line(key: str | Comment, value: Value) -> bytes:
    if isinstance(key, Comment):
        return b"#" + key.value.encode() + b"\n"
    if isinstance(value, Branch | Sequence | Comment):
        raise FileError(f"{key}: dotenv has no mappings and no lists; ask for another output type")
    return key.encode("utf-8", "surrogateescape") + b"=" + _bytes(value).replace(b"\n", b"\\n") + b"\n"


def _bytes(value: Scalar) -> bytes:
    return value if isinstance(value, bytes) else scalar_text(value).encode()


def scalar_text(value: Scalar) -> str:
    """A scalar as sops prints it in formats that have texts only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_fixed(value)
    return "" if value is None else str(value)
