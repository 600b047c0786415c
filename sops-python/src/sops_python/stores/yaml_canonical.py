"""The part of YAML that sops itself writes, read line by line: much less work than a full parser, and less to import.

Block mappings and sequences, scalars on one line whose meaning is certain, literal blocks, comments on lines of their
own. At the slightest doubt `load` gives up, and the full parser decides, also about what is broken. What it does read
it reads as that one does; a test compares the two.
"""

from __future__ import annotations

import re
from typing import Any

from sops_python.stores.yaml_comments import gap_between
from sops_python.stores.yaml_scalars import resolve
from sops_python.tree import MAX_DEPTH, Branch, Comment, Sequence, Value

_LINE = re.compile(
    r"""
    ((?:\ *\#.*\n|\n)*)                                               # comments and blank lines before it
    (?:(\Z|---\n)                                                     # the end of a document
    |(\ *)((?:-\ )*)                                                  # indentation, dashes
      (?:(?:                                                          # a key: plain, "quoted" or 'quoted'
          ((?:[0-9A-Za-z_/$]|\.(?!\.))[^:\#\n]{0,100})
        | "([^"\\\n]{1,100})" | '([^'\n]{1,100})'
      ):(?:\ (?=[^ \n])|(?=\n)))?
      (?:((?:[0-9A-Za-z_/$.+~(<^\\=;]|-(?=[^ \n])).*)                 # a value: plain, "quoted", 'quoted', empty
        | "([^"\\\n]*)" | '((?:[^'\n]|'')*+)' | (\{\}|\[\])
        | \|([-+]?)\n(\ +)((?=[^ \n]).*(?:\n\13.*|\n(?=\n))*+)        # or a literal block
      )?\n
    )
    """,
    re.VERBOSE,
)


_LATER = Comment("")  # stands for a value that comes on the next lines
_DASH = 2  # the width of `- `


def load(text: str) -> list[Branch] | None:
    """All documents, or None for what is left to the full parser."""
    if not text.replace("\n", "").isprintable():
        return None
    try:
        return _Reader(text).read()
    except _Doubt:
        return None


class _Doubt(Exception):
    """The text may mean something else than it seems to, or be broken."""


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._documents: list[Branch] = []
        self._outer: list[tuple[int, list[Any], set[str] | None]] = []
        self._block_end = -1
        self._begin()

    def _begin(self) -> None:
        self._outer.clear()
        self._column = -1
        self._items: list[Any] = Sequence()  # the innermost collection's, a Branch or a Sequence
        self._keys: set[str] | None = None  # a mapping's; a sequence has none
        self._waits: str | None = ""  # the key whose value comes on the next lines; a document's mapping has none

    def read(self) -> list[Branch]:
        end = 4 if self._text.startswith("---\n") else 0
        for found in _LINE.finditer(self._text, end):
            if found.start() != end:
                break
            end = found.end()
            gap, mark, blanks, dashes, key, plain = found.group(1, 2, 3, 4, 5, 8)
            if mark is not None:
                self._end_document(found)
                if not mark:
                    return self._documents
                continue
            if key is None:
                key = _quoted_key(found)
            elif type(resolve(key)) is not str or key[-1] == " ":
                break
            if dashes or gap:
                self._move(found, len(blanks), len(dashes) // 2, keyed=key is not None)
            elif self._waits is not None:
                self._open(len(blanks), Branch())
            elif len(blanks) != self._column:
                self._close(len(blanks))
            value: Value
            if plain is None:
                value = self._value(found)
            elif (" " in plain and (": " in plain or " #" in plain or plain[-1] == " ")) or plain[-1] == ":":
                break
            else:
                value = resolve(plain)
            if key is None:
                if not dashes or value is _LATER:
                    break
                self._items.append(value)
                continue
            if self._keys is None or key in self._keys:
                break
            self._keys.add(key)
            if value is _LATER:
                self._waits = key
            else:
                self._items.append((key, value))
        raise _Doubt

    def _value(self, found: re.Match[str]) -> Value:
        double, single, empty, chomp, pad, body = found.group(9, 10, 11, 12, 13, 14)
        if double is not None:
            return double
        if single is not None:
            return single.replace("''", "'")
        if empty is not None:
            if found[4] and "#" in found[1]:
                raise _Doubt  # the comment may belong inside
            return Branch() if empty == "{}" else Sequence()
        if body is None:
            return _LATER
        if len(pad) <= self._column:
            raise _Doubt
        self._block_end = found.end()
        text = body.replace("\n" + pad, "\n")
        return text + "\n" if chomp == "+" else text.rstrip("\n") + ("" if chomp else "\n")

    def _move(self, found: re.Match[str], column: int, dashes: int, *, keyed: bool) -> None:
        """From the line before to the collection that this line adds to, with the comments between the two."""
        inner, waited = self._items, self._waits is not None
        ends = not waited and self._close(column)
        kinds: list[type[Branch | Sequence]] = [Sequence] * dashes + [Branch] * keyed
        if not kinds or not (waited or type(self._items) is kinds[0]):
            raise _Doubt
        comments = self._comments(found, column, inner if ends else None)
        for depth in range(0 if waited else 1, len(kinds)):
            self._open(column + _DASH * depth, kinds[depth]())
            _append(self._items, comments)
            comments = []
        _append(self._items, comments)

    def _close(self, column: int) -> bool:
        """Leave the collections that stand deeper; returns whether there were any."""
        ends = column < self._column
        while column < self._column:
            self._column, self._items, self._keys = self._outer.pop()
        if column != self._column:
            raise _Doubt
        return ends

    def _open(self, column: int, collection: Branch | Sequence) -> None:
        if column <= self._column or len(self._outer) >= MAX_DEPTH:
            raise _Doubt
        if self._column < 0:
            if column or not isinstance(collection, Branch):
                raise _Doubt
            self._documents.append(collection)
        elif isinstance(self._items, Sequence):
            self._items.append(collection)
        else:
            self._items.append((self._waits or "", collection))
        self._waits = None
        self._outer.append((self._column, self._items, self._keys))
        self._column, self._items = column, collection
        self._keys = set() if isinstance(collection, Branch) else None

    def _end_document(self, found: re.Match[str]) -> None:
        if self._waits is not None:
            raise _Doubt
        _append(self._documents[-1], self._comments(found, 0, self._items))
        self._begin()

    def _comments(self, found: re.Match[str], column: int, ended: list[Any] | None) -> list[Comment]:
        """The comments before a line, less those that belong to the collection that it ended."""
        if "#" not in found[1]:
            return []
        start = found.start()
        gap = gap_between(self._text, max(start - 1, 0), found.end(1) + column, column)
        if gap is None or start == self._block_end:
            raise _Doubt
        comments = [Comment(text) for _, text in gap.lines]
        if ended is None:
            return comments
        _append(ended, comments[: gap.foot])
        return comments[gap.foot :]


def _quoted_key(found: re.Match[str]) -> str | None:
    double, single = found.group(6, 7)
    return double if single is None else single.replace("''", "'")


def _append(items: list[Any], comments: list[Comment]) -> None:
    if isinstance(items, Branch):
        items += [(comment, None) for comment in comments]
    else:
        items += comments
