"""YAML text in sops's layout: block style, four blanks, sequences indented below their key."""

from __future__ import annotations

from sops_python.stores.yaml_quoting import inline, written, written_key
from sops_python.tree import Branch, Comment, Sequence, Value

_STEP = 4
_ITEM = 2  # the width of `- `


def _step(indent: int) -> int:
    """From a mapping to what stands below it: to the next multiple of four, as go-yaml does."""
    return _STEP - indent % _STEP


def emit(branches: list[Branch]) -> str:
    """A file: its documents, with their comments above what they belong to."""
    return "---\n".join(emit_value(branch) for branch in branches)


def emit_value(value: Value) -> str:
    """One value with a final newline."""
    lines: list[str] = []
    if isinstance(value, Branch | Sequence) and _has_items(value):
        _block(value, 0, "", lines)
    else:
        lines += _leaf("", value, 0, _STEP)
    return "".join(f"{line}\n" for line in lines)


def _mapping(branch: Branch, indent: int, lead: str, lines: list[str]) -> None:
    """`lead` holds the dashes that begin the first line; comments before the first key stand above it."""
    blanks = " " * indent
    first = True
    for key, value in branch:
        if isinstance(key, Comment):
            lines += _comment(key, _margin(lead, indent) if first else blanks)
            continue
        start = _margin(lead, indent) + lead if first else blanks
        first = False
        text = written_key(key)
        if text is None:
            block = written(key, indent, _step(indent)) if "\n" in key else inline(key)
            lines.append(f"{start}? {block}")
            _explicit(value, indent, lines)
        else:
            _entry(f"{start}{text}:", value, indent, lines)


def _entry(label: str, value: Value, indent: int, lines: list[str]) -> None:
    if not isinstance(value, Branch | Sequence) or not _has_items(value):
        lines += _leaf(f"{label} ", value, indent, _step(indent))
        return
    lines.append(label)
    _block(value, indent + _step(indent), "", lines)


def _explicit(value: Value, indent: int, lines: list[str]) -> None:
    """The value of a key that needed a line of its own."""
    if not isinstance(value, Branch | Sequence) or not _has_items(value):
        lines += _leaf(f"{' ' * indent}: ", value, indent, _step(indent))
        return
    step = _step(indent)
    _block(value, indent + step, ":".ljust(step), lines)


def _block(value: Branch | Sequence, indent: int, lead: str, lines: list[str]) -> None:
    if isinstance(value, Branch):
        _mapping(value, indent, lead, lines)
    else:
        _sequence(value, indent, lead, lines)


def _sequence(items: Sequence, indent: int, lead: str, lines: list[str]) -> None:
    blanks = " " * indent
    first = True
    for item in items:
        if isinstance(item, Comment):
            lines += _comment(item, _margin(lead, indent) if first else blanks)
            continue
        dash = lead + "- " if first else "- "
        start = _margin(lead, indent) if first else blanks
        first = False
        if isinstance(item, Branch | Sequence) and _has_items(item):
            _block(item, indent + _ITEM, dash, lines)
        else:
            lines += _leaf(start + dash, item, indent, _ITEM)


def _comment(comment: Comment, blanks: str) -> list[str]:
    return [f"{blanks}#{line}" for line in comment.value.splitlines() or [""]]


def _margin(lead: str, indent: int) -> str:
    return " " * (indent - len(lead))


def _leaf(label: str, value: Value, indent: int, step: int) -> list[str]:
    """A scalar, or a collection without items, whose comments go above it."""
    if isinstance(value, Branch | Sequence):
        comments = [item[0] if isinstance(item, tuple) else item for item in value]
        above = [line for item in comments if isinstance(item, Comment) for line in _comment(item, " " * indent)]
        return [*above, f"{label}{'{}' if isinstance(value, Branch) else '[]'}"]
    if isinstance(value, Comment):
        return _comment(value, " " * indent)
    return [label + written(value, indent, step)]


def _has_items(value: Branch | Sequence) -> bool:
    return any(not isinstance(item[0] if isinstance(item, tuple) else item, Comment) for item in value)
