"""The line of a SOPS file that an error of sops_python is about."""

from __future__ import annotations

import re

from ..errors import InputError, Location
from ..manifests.reader import Path, Source, documents

_PATH = re.compile(r"([^\s:]+): ")  # `spec.users[0].password: what is wrong with it`
_LINE = re.compile(r"\bline (\d+)(?:, column (\d+))?")


def located(file: str, data: bytes, message: str) -> Location:
    """The place that a message names by line, or by a value's path; the file alone where it names none."""
    if found := _LINE.search(message):
        return Location(file, int(found[1]), int(found[2] or 0))
    if (named := _PATH.match(message)) and file.endswith((".yaml", ".yml", ".json")):
        parts = re.findall(r"\[\d+\]|[^.\[]+", named[1])
        try:
            for document in documents(Source(file, data)):
                if path := _found(document.value, parts):
                    return document.at(path)
        except InputError:
            pass  # what sops takes, a manifest's reader may not
    return Location(file)


def _found(value: object, parts: list[str]) -> Path | None:
    """The path that the parts stand for: a key may hold dots itself, so the longest is tried first."""
    if not parts:
        return ()
    if parts[0].startswith("["):
        index = int(parts[0][1:-1])
        if not isinstance(value, list) or index >= len(value):
            return None
        rest = _found(value[index], parts[1:])
        return None if rest is None else (index, *rest)
    for size in range(len(parts), 0, -1):
        key = ".".join(parts[:size])
        if isinstance(value, dict) and key in value:
            rest = _found(value[key], parts[size:])
            if rest is not None:
                return (key, *rest)
    return None
