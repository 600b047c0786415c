"""YAML text in sops's layout: block style, four blanks (or as many as are asked for), sequences below their key."""

from __future__ import annotations

from sops_python.stores.yaml_quoting import inline, written, written_key
from sops_python.tree import Branch, Comment, Sequence, Value

_STEP = 4
_ITEM = 2  # the width of `- `


def emit_documents(branches: list[Branch], step: int = _STEP) -> str:
    """A file: its documents, with their comments above what they belong to; `step`: blanks a level."""
    return "---\n".join(emit_node(branch, step) for branch in branches)


def emit_node(value: Value, step: int = _STEP) -> str:
    """One value with a final newline."""
    writer = _Writer(step)
    if isinstance(value, list) and _has_items(value):
        writer.block(value, 0, "")
    else:
        writer.leaf("", value, 0, step)
    return "\n".join([*writer.lines, ""])


class _Writer:
    def __init__(self, step: int) -> None:
        self.lines: list[str] = []
        self._width = step

    def _step(self, indent: int) -> int:
        """From a mapping to what stands below it: to the next multiple of the width, as go-yaml does."""
        return self._width - indent % self._width

    def block(self, value: Branch | Sequence, indent: int, lead: str) -> None:
        """`lead` holds the dashes that begin the first line; comments before the first item stand above it."""
        if isinstance(value, Branch):
            self._mapping(value, indent, lead)
        else:
            self._sequence(value, indent, lead)

    def _mapping(self, branch: Branch, indent: int, lead: str) -> None:
        blanks = " " * indent
        first = True
        for key, value in branch:
            if isinstance(key, Comment):
                self._comment(key, _margin(lead, indent) if first else blanks)
                continue
            start = _margin(lead, indent) + lead if first else blanks
            first = False
            text = written_key(key)
            if text is None:
                block = written(key, indent, self._step(indent)) if "\n" in key else inline(key)
                self.lines.append(f"{start}? {block}")
                self._explicit(value, indent)
            else:
                self._entry(f"{start}{text}:", value, indent)

    def _entry(self, label: str, value: Value, indent: int) -> None:
        if not isinstance(value, list) or not _has_items(value):
            self.leaf(f"{label} ", value, indent, self._step(indent))
            return
        self.lines.append(label)
        self.block(value, indent + self._step(indent), "")

    def _explicit(self, value: Value, indent: int) -> None:
        """The value of a key that needed a line of its own."""
        if not isinstance(value, list) or not _has_items(value):
            self.leaf(f"{' ' * indent}: ", value, indent, self._step(indent))
            return
        step = self._step(indent)
        self.block(value, indent + step, ":".ljust(step))

    def _sequence(self, items: Sequence, indent: int, lead: str) -> None:
        blanks = " " * indent
        first = True
        for item in items:
            if isinstance(item, Comment):
                self._comment(item, _margin(lead, indent) if first else blanks)
                continue
            dash = lead + "- " if first else "- "
            start = _margin(lead, indent) if first else blanks
            first = False
            if isinstance(item, list) and _has_items(item):
                self.block(item, indent + _ITEM, dash)
            else:
                self.leaf(start + dash, item, indent, _ITEM)

    def _comment(self, comment: Comment, blanks: str) -> None:
        self.lines += [f"{blanks}#{line}" for line in comment.value.splitlines() or [""]]

    def leaf(self, label: str, value: Value, indent: int, step: int) -> None:
        """A scalar, or a collection without items, whose comments go above it."""
        if isinstance(value, list):
            for item in value:
                comment = item[0] if isinstance(item, tuple) else item
                if isinstance(comment, Comment):
                    self._comment(comment, " " * indent)
            self.lines.append(f"{label}{'{}' if isinstance(value, Branch) else '[]'}")
        elif isinstance(value, Comment):
            self._comment(value, " " * indent)
        else:
            self.lines.append(label + written(value, indent, step))


def _margin(lead: str, indent: int) -> str:
    return " " * (indent - len(lead))


def _has_items(value: Branch | Sequence) -> bool:
    return any(not isinstance(item[0] if isinstance(item, tuple) else item, Comment) for item in value)
