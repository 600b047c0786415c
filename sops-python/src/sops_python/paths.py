"""One place in a tree by sops's own path syntax, `["key"][0]["other"]`: read, set, removed."""

from __future__ import annotations

import re

from sops_python.errors import FileError
from sops_python.tree import Branch, Comment, Sequence, Value

Component = str | int
_COMPONENT = re.compile(r"""\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([0-9]{1,9}))\]""")


def parse_path(text: str) -> list[Component]:
    """The components of a path. Raises FileError."""
    components: list[Component] = []
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
    return _follow(branch, parse_path(path), path)


def set_value(branch: Branch, path: str, value: Value) -> bool:
    """Put a value at a path; mappings on the way are made, an index one past the end appends.

    Returns whether anything changed. Raises FileError where the path runs through a scalar or past a sequence's end.
    """
    *way, last = parse_path(path)
    container: Value = branch
    for component, following in zip(way, [*way, last][1:], strict=True):
        at = _position(container, component)
        if at is None:
            at = _append(container, component, Branch() if isinstance(following, str) else Sequence(), path)
        container = _at(container, at)
    at = _position(container, last)
    if at is None:
        _append(container, last, value, path)
        return True
    if _same(_at(container, at), value):
        return False
    _replace(container, at, value)
    return True


def unset_value(branch: Branch, path: str) -> None:
    """Remove what is at a path. Raises FileError that names the missing component."""
    *way, last = parse_path(path)
    container = _follow(branch, way, path)
    at = _position(container, last)
    if at is None:
        raise _missing(path, last)
    del container[at]  # type: ignore[union-attr]  # a position exists in collections only


def _follow(branch: Branch, components: list[Component], path: str) -> Value:
    current: Value = branch
    for component in components:
        at = _position(current, component)
        if at is None:
            raise _missing(path, component)
        current = _at(current, at)
    return current


def _position(container: Value, component: Component) -> int | None:
    """Where a component stands in the list that a branch or sequence is."""
    if isinstance(component, str) and isinstance(container, Branch):
        return next((at for at, (key, _) in enumerate(container) if key == component), None)
    if isinstance(component, int) and isinstance(container, Sequence):
        items = [at for at, item in enumerate(container) if not isinstance(item, Comment)]
        return items[component] if component < len(items) else None
    return None


def _at(container: Value, at: int) -> Value:
    if isinstance(container, Branch):
        return container[at][1]
    assert isinstance(container, Sequence)  # noqa: S101  # a position exists in collections only
    return container[at]


def _replace(container: Value, at: int, value: Value) -> None:
    if isinstance(container, Branch):
        container[at] = (container[at][0], value)
    elif isinstance(container, Sequence):
        container[at] = value


def _append(container: Value, component: Component, value: Value, path: str) -> int:
    if isinstance(container, Branch) and isinstance(component, str):
        container.append((component, value))
    elif isinstance(container, Sequence) and isinstance(component, int):
        count = sum(not isinstance(item, Comment) for item in container)
        if component != count:
            raise FileError(f"{path}: the list has {count} items; [{count}] would append, [{component}] leaves a gap")
        container.append(value)
    else:
        raise FileError(f"{path}: the file has no place for [{component!r}]: what it would be in is of another kind")
    assert isinstance(container, list)  # noqa: S101
    return len(container) - 1


def _same(old: Value, new: Value) -> bool:
    # True == 1 == 1.0 in Python; in a file they are three values.
    if type(old) is not type(new) or old != new:
        return False
    if isinstance(old, Branch) and isinstance(new, Branch):
        return all(_same(before[1], after[1]) for before, after in zip(old, new, strict=True))
    if isinstance(old, Sequence) and isinstance(new, Sequence):
        return all(_same(before, after) for before, after in zip(old, new, strict=True))
    return True


def _missing(path: str, component: Component) -> FileError:
    return FileError(f"{path}: the file has nothing at [{component!r}]")
