"""Metadata in formats without nesting: `key_groups__list_0__map_age__list_1__map_enc`, as sops flattens them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from sops_python.errors import FileError
from sops_python.tree import Branch, Sequence, Value

_MAP, _LIST = "__map_", "__list_"
_SEPARATOR = re.compile("(__map_|__list_)")
_LONGEST_LIST = 1000


def flatten(metadata: Branch) -> list[tuple[str, str]]:
    """Names and texts, sorted by name; a newline is written as backslash and n. Lists without items are left out."""
    found: list[tuple[str, str]] = []
    for key, value in metadata:
        _flatten(str(key), value, found)
    return sorted(found)


def _flatten(name: str, value: Value, found: list[tuple[str, str]]) -> None:
    if isinstance(value, Branch):
        for key, item in value:
            _flatten(f"{name}{_MAP}{key}", item, found)
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            _flatten(f"{name}{_LIST}{number}", item, found)
    elif value is not None:
        text = str(value).lower() if isinstance(value, bool) else str(value)
        found.append((name, text.replace("\n", "\\n")))


def unflatten(pairs: Iterable[tuple[str, str]]) -> Branch:
    """The nested branch that flat names stand for. Raises FileError for names that contradict each other."""
    root = Branch()
    for name, text in sorted(pairs):
        first, *rest = _SEPARATOR.split(name)
        steps: list[str | int] = [first]
        for separator, part in zip(rest[::2], rest[1::2], strict=True):
            steps.append(_number(part) if separator == _LIST else part)
        container: Value = root
        for step, following in itertools.pairwise(steps):
            container = _child(container, step, Sequence() if isinstance(following, int) else Branch())
        _child(container, steps[-1], text.replace("\\n", "\n"))
    return root


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:6]) >= _LONGEST_LIST:
        raise FileError("the sops metadata are damaged: a list has an item without a number")
    return int(text)


def _child(container: Value, step: str | int, new: Value) -> Value:
    if isinstance(container, Branch) and isinstance(step, str):
        for key, value in container:
            if key == step:
                return value
        container.append((step, new))
        return new
    if isinstance(container, Sequence) and isinstance(step, int):
        while len(container) <= step:
            container.append(None)
        if container[step] is None:
            container[step] = new
        return container[step]
    raise FileError("the sops metadata are damaged: a name is a list and a mapping at once")
