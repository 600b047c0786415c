"""From `path.to.key | NAME` lines to values: which value of the decrypted documents each name stands for."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError

_MISSING = object()


@dataclass(frozen=True)
class Wanted:
    """One line of the `environment` input."""

    path: str
    name: str


def parse(lines: Iterable[str]) -> list[Wanted]:
    """The lines of the `environment` input. Raises InputError for a line that is none, or a name given twice."""
    wanted: list[Wanted] = []
    for line in lines:
        path, bar, name = (part.strip() for part in line.partition("|"))
        if not bar or not path or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise InputError(
                f"`environment` has {line!r}: not written as `path.to.key | NAME`",
                do="Such as `database.password | DATABASE_PASSWORD`, one a line.",
            )
        if any(other.name == name for other in wanted):
            raise InputError(f"`environment` names {name} twice", do="Give each value a name of its own.")
        wanted.append(Wanted(path, name))
    return wanted


def select(wanted: Wanted, documents: Sequence[tuple[str, Any]]) -> str:
    """The value at the path, of (file, document) pairs. Raises InputError where none, several or a branch is there."""
    found = [(file, value) for file, document in documents if (value := _at(document, wanted.path)) is not _MISSING]
    if not found:
        keys = sorted({key for _, document in documents for key in document} if documents else ())
        raise InputError(
            f"no decrypted file has {wanted.path!r}, wanted as {wanted.name}",
            why=f"Their top-level keys: {', '.join(keys[:30]) or 'none'}.",
            do="Keys are separated by dots, items counted from 0: `users.0.name`; a key with dots is written whole.",
        )
    files = list(dict.fromkeys(file for file, _ in found))
    if len(found) > 1:
        raise InputError(
            f"{wanted.path!r}, wanted as {wanted.name}, is in more than one document",
            why=f"In {', '.join(files)}.",
            do="Decrypt these files in steps of their own.",
        )
    return _text(found[0][1], wanted, files[0])


def _at(node: Any, path: str) -> Any:
    """The value at a dotted path; a key that holds dots itself (`tls.key`) is found too, the longest first."""
    if not path:
        return node
    if isinstance(node, list):
        index, _, rest = path.partition(".")
        return _at(node[int(index)], rest) if index.isdigit() and int(index) < len(node) else _MISSING
    if not isinstance(node, dict):
        return _MISSING
    parts = path.split(".")
    for size in range(len(parts), 0, -1):
        key = ".".join(parts[:size])
        if key in node:
            value = _at(node[key], ".".join(parts[size:]))
            if value is not _MISSING:
                return value
    return _MISSING


def _text(value: Any, wanted: Wanted, file: str) -> str:
    if isinstance(value, dict | list) or value is None:
        kind = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
        raise InputError(
            f"{wanted.path!r} of {file} is {kind}: no value for the variable {wanted.name}",
            do="Name one value below it." if value else "",
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
