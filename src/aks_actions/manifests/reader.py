"""YAML and JSON bytes to documents, by kubectl's rules and with every line known. Safe on hostile input.

libyaml's events are read one by one: its composer recurses in C, and 200,000 brackets crash the process.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # re-exported for loaders, not declared

from ..errors import InputError, Location
from .scalars import resolve

MAX_BYTES = 64 * 1024 * 1024  # a file
MAX_VALUES = 1_000_000  # in one document, aliases expanded: what stops `billion laughs`
MAX_DEPTH = 100

Path = tuple[str | int, ...]
Places = dict[Path, tuple[int, int]]

_STANDARD_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp")
}
_MERGE = object()  # the key `<<`


@dataclass(frozen=True)
class Source:
    """A file as it was read; `file` is the path that the user knows it by."""

    file: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Document:
    """One document of a file: JSON values, and where it begins."""

    source: Source
    index: int
    value: Any = field(repr=False)
    line: int

    def at(self, path: Path = ()) -> Location:
        """Where `path` is written, or its nearest ancestor. Reads the file once more: for failures only."""
        if path:
            places: Places = {}
            try:
                _document(self.source, self.index, places)
            except InputError:  # JSON that YAML can't read: the document's own line must do
                places = {}
            for length in range(len(path), 0, -1):
                if place := places.get(path[:length]):
                    return Location(self.source.file, *place)
        return Location(self.source.file, self.line)


def documents(source: Source) -> Iterator[Document]:
    """The documents of a file that are not empty.

    Raises InputError with line and column for what is no YAML or JSON, duplicate keys, foreign tags and bombs.
    """
    if len(source.data) > MAX_BYTES:
        raise InputError(f"{source.file} is larger than {MAX_BYTES >> 20} MiB", at=Location(source.file))
    if source.file.endswith(".json"):
        yield from _json(source)
        return
    reader = _Reader(source, None)
    index = 0
    while (found := reader.document()) is not None:
        value, line = found
        if value is not None:
            yield Document(source, index, value, line)
        index += 1


def _document(source: Source, index: int, places: Places) -> None:
    reader = _Reader(source, None)
    for _ in range(index):
        reader.document()
    reader.places = places
    reader.document()


def _json(source: Source) -> Iterator[Document]:
    """JSON texts one after the other, as kubectl takes them."""
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{source.file} is not UTF-8", at=Location(source.file)) from None
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    position, index = 0, 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        line = text.count("\n", 0, position) + 1
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            place = Location(source.file, error.lineno, error.colno)
            raise InputError(f"{source.file} is no JSON: {error.msg}", at=place) from None
        except RecursionError:
            raise InputError(f"{source.file} is nested too deeply", at=Location(source.file, line)) from None
        except _DuplicateKeyError as error:
            _document(source, index, {})  # knows the line, and raises with it
            raise InputError(f"{source.file}: the key {error} is there twice", at=Location(source.file, line)) from None
        yield Document(source, index, value, line)
        index += 1


class _DuplicateKeyError(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        raise _DuplicateKeyError(next(repr(key) for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return found


class _Reader:
    """Values from events; `places`, where given, is filled with each path's line and column."""

    def __init__(self, source: Source, places: Places | None) -> None:
        self.file = source.file
        self.places = places
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0
        try:
            self._parser = CParser(source.data)
        except UnicodeDecodeError as error:
            raise InputError(f"{self.file} is not UTF-8", at=Location(self.file)) from error

    def document(self) -> tuple[Any, int] | None:
        """The next document and its line; None at the end of the file."""
        while not isinstance(event := self._next(), yaml.DocumentStartEvent):
            if isinstance(event, yaml.StreamEndEvent):
                return None
        self._anchors, self._values = {}, 0
        event = self._next()
        line = event.start_mark.line + 1
        value = self._value(event, (), 0)
        self._next()  # the document's end
        return value, line

    def _next(self) -> Any:
        try:
            return self._parser.get_event()
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it can't be read"
            context = f" ({context})" if (context := getattr(error, "context", None)) else ""
            at = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)
            raise InputError(f"{self.file} is no YAML: {problem}{context}", at=at) from None

    def _refuse(self, event: Any, what: str, do: str = "") -> InputError:
        return InputError(what, do=do, at=Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1))

    def _value(self, event: Any, path: Path, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"the document is nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values
        self._count(event, 1)
        if event.tag is not None and event.tag != "!" and event.tag not in _STANDARD_TAGS:
            raise self._refuse(event, f"the tag {event.tag} is not allowed", "A manifest holds plain values only.")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(path, depth)
        else:
            value = self._mapping(path, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._values - before)
        return value

    def _count(self, event: Any, values: int) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            raise self._refuse(event, f"the document has more than {MAX_VALUES:,} values when its aliases are expanded")

    def _scalar(self, event: Any) -> Any:
        if event.implicit[0]:
            return resolve(event.value)
        kind = (event.tag or "").rpartition(":")[2]
        if kind in ("int", "float", "bool", "null"):
            return resolve(event.value)
        return event.value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._refuse(event, f"the alias *{event.anchor} has no anchor before it")
        value, size = self._anchors[event.anchor]
        self._count(event, size)
        return copy.deepcopy(value) if isinstance(value, dict | list) else value

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            here = (*path, len(items))
            self._place(here, event)
            items.append(self._value(event, here, depth + 1))
        return items

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            if key is _MERGE:
                value = self._value(self._next(), path, depth + 1)
                for base in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(base, dict):
                        raise self._refuse(event, "`<<` merges mappings only")
                    merged |= base
                continue
            if key in found:
                raise self._refuse(event, f"the key {key!r} is there twice", "Remove one of the two.")
            here = (*path, key)
            self._place(here, event)
            found[key] = self._value(self._next(), here, depth + 1)
        return merged | found if merged else found

    def _key(self, event: Any, path: Path, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<":
            return _MERGE
        value = self._value(event, path, depth + 1)
        if isinstance(value, dict | list) or value is None:
            raise self._refuse(event, "a key must be text")
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _place(self, path: Path, event: Any) -> None:
        if self.places is not None:
            self.places[path] = (event.start_mark.line + 1, event.start_mark.column + 1)
