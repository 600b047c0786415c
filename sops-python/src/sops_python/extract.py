"""One value of a tree by sops's own path syntax: `["key"][0]["other"]`."""

from __future__ import annotations

import re

from sops_python.errors import FileError
from sops_python.tree import Branch, Comment, Sequence, Value

_COMPONENT = re.compile(r"""\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([0-9]{1,9}))\]""")


def parse_path(text: str) -> list[str | int]:
    """The components of a path. Raises FileError."""
    components: list[str | int] = []
    position = 0
    while position < len(text):
        found = _COMPONENT.match(text, position)
        if not found:
            raise FileError(f"""{text}: not a path; write it as '["key"][0]'""")
        double, single, index = found.groups()
        if index is not None:
            components.append(int(index))
        else:
            components.append(single if double is None else re.sub(r"\\(.)", r"\1", double))
        position = found.end()
    if not components:
        raise FileError("""the path is empty; write it as '["key"][0]'""")
    return components


def extract(branch: Branch, path: str) -> Value:
    """The value at a path; comments do not count as items. Raises FileError that names the missing component."""
    current: Value = branch
    for component in parse_path(path):
        current = _child(current, component, path)
    return current


def _child(value: Value, component: str | int, path: str) -> Value:
    if isinstance(component, str) and isinstance(value, Branch):
        for key, item in value:
            if key == component:
                return item
    if isinstance(component, int) and isinstance(value, Sequence):
        items = [item for item in value if not isinstance(item, Comment)]
        if component < len(items):
            return items[component]
    raise FileError(f"{path}: the file has nothing at [{component!r}]")
