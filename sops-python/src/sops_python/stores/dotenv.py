"""dotenv: `NAME=value`, one a line; no quotes, no `export`, nothing trimmed; a newline in a value is written `\\n`."""

from __future__ import annotations

from sops_python.errors import FileError
from sops_python.stores.flat import flatten, unflatten
from sops_python.stores.texts import encoded, name_of, scalar_text, value_of
from sops_python.tree import Branch, Comment, Sequence, Value

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
        branch.insert(0, ("sops", unflatten(flat)))
    return [branch]


def load_plain(data: bytes) -> list[Branch]:
    """One branch. Raises FileError for a line that is neither empty, a comment, nor an assignment."""
    branch = _lines(data.decode("utf-8", "surrogateescape"))
    if any(isinstance(key, str) and key.startswith(_PREFIX) for key, _ in branch):
        raise FileError(f"a name begins with `{_PREFIX}`: the file is encrypted already, or would be taken for it")
    return [branch]


def _lines(text: str) -> Branch:
    branch = Branch()
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        if line[0] == "#":
            branch.append((Comment(name_of(line[1:], number)), None))
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise FileError(f"line {number}: neither a comment nor NAME=value")
        branch.append((name_of(name, number), value_of(value.replace("\\n", "\n"))))
    return branch


def emit(branches: list[Branch]) -> bytes:
    """The first document. Raises FileError for a value that is a mapping or a sequence."""
    return encoded("".join(_line(key, value) for key, value in (branches[0] if branches else ())))


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:  # noqa: ARG001
    """The first document with its metadata in `sops_…` names."""
    flat = "".join(f"{_PREFIX}{name}={text}\n" for name, text in flatten(metadata))
    return emit(branches) + flat.encode()


def emit_value(value: Value) -> bytes:
    """A text as it is, a mapping as a file of its own. Raises FileError for a sequence."""
    if isinstance(value, Branch):
        return emit([value])
    if isinstance(value, Sequence | Comment):
        raise FileError("dotenv has no sequences: name one value, or ask for another output type")
    return encoded(scalar_text(value))  # sops refuses what is no text; `5` is what anybody would expect


def _line(key: str | Comment, value: Value) -> str:
    if isinstance(key, Comment):
        return f"#{key.value}\n"
    if isinstance(value, Branch | Sequence | Comment):
        raise FileError(f"{key}: dotenv has no mappings and no sequences; ask for another output type")
    text = scalar_text(value).replace("\n", "\\n")
    return f"{key}={text}\n"
