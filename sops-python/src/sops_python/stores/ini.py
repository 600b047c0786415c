"""INI as sops reads and writes it: sections, all values texts, keys aligned, quotes and comments by rules of its own.

A file is a branch of sections, `DEFAULT` first; a section's own comment is its first item, a key's comment follows it.
"""

from __future__ import annotations

import itertools
import re

from sops_python.errors import FileError
from sops_python.stores import json
from sops_python.stores.flat import flatten, unflatten
from sops_python.stores.ini_reader import BLANKS, DEFAULT, DELIMITERS, read
from sops_python.stores.texts import decoded, encoded, scalar_text, value_of
from sops_python.tree import Branch, Comment, Sequence, Value

NUMBERS_WERE_FLOAT64 = False
MERGES = False

_METADATA = "sops"
_SIMPLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_ENVELOPE = re.compile(r"ENC\[[A-Za-z0-9_,:+/=]+\]")  # nothing in it needs quotes


def load(text: str) -> list[Branch]:
    """One branch of sections; `[sops]` is its metadata. Raises FileError."""
    branch = read(text)
    for at, (name, section) in enumerate(branch):
        if name == _METADATA and isinstance(section, Branch):
            # Versions differ in how often they escape a newline.
            pairs = [(key, str(value).replace("\\\\n", "\\n")) for key, value in section if isinstance(key, str)]
            branch[at] = (name, unflatten(pairs))
    return [branch]


def load_plain(data: bytes) -> list[Branch]:
    """One branch of sections. Raises FileError with the line."""
    return [read(decoded(data))]


def emit(branches: list[Branch]) -> bytes:
    """The sections of all documents, byte for byte as sops prints them, even texts that it can't read again (`"a"`).

    Raises FileError for a tree that is no mapping of mappings of scalars.
    """
    return encoded(_written(branches, exact=False))


def emit_encrypted(branches: list[Branch], metadata: Branch, *, indent: int | None = None) -> bytes:  # noqa: ARG001
    """The sections, and one more for the metadata; what is left in the clear is quoted so that it can be read again."""
    flat: list[tuple[str | Comment, Value]] = [(name, text) for name, text in flatten(metadata)]
    return encoded(_written([*branches, Branch([(_METADATA, Branch(flat))])], exact=True))


def emit_value(value: Value) -> bytes:
    """A text as it is, a mapping as a file of its own, another scalar as JSON. Raises FileError for a sequence."""
    if isinstance(value, Branch):
        return emit([value])
    if isinstance(value, Sequence):
        raise FileError("INI has no sequences: name one value, or ask for another output type")
    return json.emit_value(value)


def _written(branches: list[Branch], *, exact: bool) -> str:
    texts: list[str] = []
    for name, section in itertools.chain.from_iterable(branches):
        if isinstance(name, Comment):
            continue  # sops leaves them out too: only sections and keys have comments
        if not isinstance(section, Branch):
            raise FileError(f"{name}: INI holds sections of values only; ask for another output type")
        text = _section(name, section, headed=bool(texts) or name.upper() != DEFAULT, exact=exact)
        texts.append(text)
    # An empty `DEFAULT` at the top is not written, nor the blank line after it.
    return "\n".join(text for number, text in enumerate(texts) if text or number)


def _section(name: str, section: Branch, *, headed: bool, exact: bool) -> str:
    lines: list[str] = []
    entries: dict[str, str] = {}
    comments: dict[str, str] = {}
    last = ""
    for at, (key, value) in enumerate(section):
        if isinstance(key, Comment):
            if at == 0:
                lines += _comment(key.value, trimmed=False)
            elif last:
                comments[last] = key.value
            continue
        if isinstance(value, Branch | Sequence | Comment):
            raise FileError(f"{name}.{key}: INI holds texts only; ask for another output type")
        last = key
        entries[key] = scalar_text(value)
    if headed:
        lines.append(f"[{name}]")
    names = {key: _name(key, exact=exact) for key in entries}
    width = max((len(encoded(shown)) for shown in names.values()), default=0)
    for key, text in entries.items():
        lines += _comment(comments.get(key, ""), trimmed=True)
        blanks = " " * (width - len(encoded(names[key])))
        lines.append(f"{names[key]}{blanks} = {_value(text, exact=exact)}")
    return "".join(f"{line}\n" for line in lines)


def _comment(text: str, *, trimmed: bool) -> list[str]:
    lines = []
    for line in text.split("\n") if text else ():
        if line[:1] in ("#", ";"):
            lines.append(f"{line[0]} {line[1:].strip(BLANKS)}")
        else:
            lines.append(f"; {line.strip(BLANKS) if trimmed else line}")
    return lines


def _name(key: str, *, exact: bool) -> str:
    shown = key
    if '"' in key or DELIMITERS.search(key):
        shown = f"`{key}`"
    elif "`" in key:
        shown = f'"""{key}"""'
    if not exact or _SIMPLE_NAME.fullmatch(key):
        return shown
    for form in (shown, f"`{key}`", f'"""{key}"""', f'"{key}"'):
        if _reads_as(f"{form} = x", key, "x"):
            return form
    raise FileError(f"{key}: INI can't hold this name")


def _value(text: str, *, exact: bool) -> str:
    shown = text
    if "\n" in text or "`" in text:
        shown = f'"""{text}"""'
    elif "#" in text or ";" in text:
        shown = f"`{text}`"
    elif text.strip(BLANKS) != text:
        shown = f'"{text}"'
    if not exact or _ENVELOPE.fullmatch(text):
        return shown
    for form in (shown, f"`{text}`", f'"""{text}"""'):
        if _reads_as(f"x = {form}", "x", text):
            return form
    raise FileError("INI can't hold a value with these quotes, line breaks or backslashes in the clear: encrypt it")


def _reads_as(line: str, key: str, text: str) -> bool:
    """Whether a reader gets out of a line what was put into it."""
    try:
        (_, section), *others = read(line + "\n")
    except FileError:
        return False
    return not others and section == [(key, value_of(text))]
