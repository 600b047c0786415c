"""All of YAML, by libyaml's events: go-yaml's meaning of scalars, comments kept, aliases expanded up to a bound."""

from __future__ import annotations

from typing import Any, TypeAlias, cast

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    StreamEndEvent,
)

from sops_python.errors import FileError
from sops_python.stores.yaml_comments import gap_between, inside_properties
from sops_python.stores.yaml_scalars import TAGS, resolve, resolve_tagged
from sops_python.tree import MAX_DEPTH, Branch, Comment, Scalar, Sequence, Value

_MAX_ALIASED = 100_000  # nodes that aliases may add: an alias bomb ends here
_Event: TypeAlias = Any  # libyaml's; the stubs say that its marks may be missing, and they never are
_YAML_TAG = "tag:yaml.org,2002:"


def load(text: str) -> list[Branch]:
    """All documents; an empty one is an empty branch. Raises FileError with line and column, never with content."""
    reader = _Reader(text)
    try:
        return reader.read()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise FileError(f"{where}broken YAML: {problem}") from None
    except UnicodeEncodeError:
        raise FileError("broken YAML: half a surrogate pair") from None


class _Frame:
    """A collection that is being read."""

    __slots__ = ("anchor", "depth", "items", "key", "keys", "size")

    def __init__(self, items: Branch | Sequence, anchor: str | None) -> None:
        self.items = items
        self.anchor = anchor
        self.key: str | None = None  # a mapping's key that waits for its value
        self.keys: set[str] = set()
        self.size = 1  # nodes, with those that aliases stand for
        self.depth = 1  # levels below, with those that aliases stand for


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._has_comments = "#" in text
        self._events = cast(Any, CParser(text))
        self._documents: list[Branch] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Value, int, int]] = {}
        self._pending: list[str] = []  # comments that wait for the item that they stand before
        self._aliased = 0

    def read(self) -> list[Branch]:
        position, in_item = 0, False
        while True:
            event = self._events.get_event()
            kind = type(event)
            if self._has_comments:
                self._comments(position, event, after_item=in_item)
                position, in_item = event.end_mark.index, kind not in (MappingStartEvent, DocumentStartEvent)
            if kind is ScalarEvent:
                self._flush()
                self._place(self._scalar(event), 1, 0, event)
            elif isinstance(event, CollectionStartEvent):
                self._open(event)
            elif isinstance(event, CollectionEndEvent):
                self._close(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentStartEvent:
                self._anchors.clear()
            elif kind is DocumentEndEvent:
                self._flush_into_last_document()
            elif kind is StreamEndEvent:
                self._flush_into_last_document()
                return self._documents

    def _open(self, event: _Event) -> None:
        items: Branch | Sequence = Branch() if isinstance(event, MappingStartEvent) else Sequence()
        if not self._stack and isinstance(items, Sequence):
            raise _refused(event, "the top level is a sequence; SOPS files are mappings")
        if len(self._stack) >= MAX_DEPTH:
            raise _refused(event, f"nested deeper than {MAX_DEPTH} levels")
        self._stack.append(_Frame(items, event.anchor))
        if event.anchor:
            self._anchors.pop(event.anchor, None)  # inside itself, an anchor is not defined
        self._flush()

    def _close(self, event: _Event) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.items, frame.size, frame.depth)
        self._place(frame.items, frame.size, frame.depth, event)

    def _alias(self, event: _Event) -> None:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise _refused(event, "an alias of an anchor that is not defined before it")
        value, size, depth = known
        self._aliased += size
        if self._aliased > _MAX_ALIASED or depth + len(self._stack) > MAX_DEPTH:
            raise _refused(event, f"aliases expand to more than {_MAX_ALIASED} nodes or {MAX_DEPTH} levels")
        self._flush()
        self._place(value, size, depth, event)

    def _place(self, value: Value, size: int, depth: int, event: _Event) -> None:
        if not self._stack:
            self._document(value, event)
            return
        frame = self._stack[-1]
        frame.size += size
        if depth >= frame.depth:
            frame.depth = depth + 1
        items = frame.items
        if isinstance(items, Sequence):
            items.append(value)
        elif frame.key is None:
            if type(value) is not str:
                raise _refused(event, "a key that is not a string; SOPS allows no other keys")
            if value in frame.keys:
                raise _refused(event, "a key that the mapping already has")
            frame.keys.add(value)
            frame.key = value
        else:
            items.append((frame.key, value))
            frame.key = None

    def _document(self, value: Value, event: _Event) -> None:
        if value is None:
            value = Branch()
        if not isinstance(value, Branch):
            raise _refused(event, "the top level is a scalar; SOPS files are mappings")
        self._documents.append(value)

    def _scalar(self, event: _Event) -> Scalar:
        text, tag = event.value, event.tag
        try:
            if tag is None or tag == "!":
                value = resolve(text) if not event.style or tag == "!" else text
            elif tag.startswith(_YAML_TAG) and tag[len(_YAML_TAG) :] in TAGS:
                value = resolve_tagged(tag[len(_YAML_TAG) :], text)
            else:
                value = text
        except ValueError as error:
            raise _refused(event, str(error)) from None
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        return value

    def _comments(self, position: int, event: _Event, *, after_item: bool) -> None:
        """Take the comments before an event, and those inside what libyaml counts to it."""
        start = event.start_mark
        gap = gap_between(self._text, position, start.index, start.column)
        if gap:
            ends = isinstance(event, CollectionEndEvent)
            if gap.trailing is not None:
                self._trailing(gap.trailing, after_item=after_item)
            feet = gap.foot if ends else 0
            for number, (_, text) in enumerate(gap.lines):
                if number < feet:
                    _append_comment(self._stack[-1].items, text)
                else:
                    self._pending.append(text)
        if isinstance(event, NodeEvent) and not isinstance(event, AliasEvent):
            self._properties(event)

    def _trailing(self, text: str, *, after_item: bool) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is None or not after_item:
            self._pending.append(text)
        elif frame.key is not None or not frame.items:
            _append_comment(frame.items, text)
        else:
            _append_comment(frame.items, text, before_last=True)

    def _properties(self, event: _Event) -> None:
        span = self._text[event.start_mark.index : event.end_mark.index]
        if isinstance(event, ScalarEvent):
            if event.style not in ("|", ">"):
                return
            span = span.partition("\n")[0]
        elif not event.anchor and not event.tag:
            return
        self._pending += inside_properties(span)

    def _flush(self) -> None:
        """Put the waiting comments where the next item will stand."""
        if self._pending and self._stack:
            self._append_pending(self._stack[-1].items)

    def _flush_into_last_document(self) -> None:
        if self._pending and self._documents:
            self._append_pending(self._documents[-1])

    def _append_pending(self, items: Branch | Sequence) -> None:
        for text in self._pending:
            _append_comment(items, text)
        self._pending.clear()


def _append_comment(items: Branch | Sequence, text: str, *, before_last: bool = False) -> None:
    index = len(items) - 1 if before_last else len(items)
    if isinstance(items, Branch):
        items.insert(index, (Comment(text), None))
    else:
        items.insert(index, Comment(text))


def _refused(event: _Event, problem: str) -> FileError:
    mark = event.start_mark
    return FileError(f"line {mark.line + 1}, column {mark.column + 1}: {problem}")
