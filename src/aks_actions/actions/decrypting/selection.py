"""From `path.to.key | NAME` to values: what each line takes of the decrypted documents, and what it is called."""

from __future__ import annotations

import base64
import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...errors import InputError

_MISSING = object()
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_FILE = r"(?!.*(?:^|/)\.{0,2}(?:/|$))[^\x00-\x1f\\]{1,200}"  # relative, no empty, `.` or `..` part


@dataclass(frozen=True)
class Target:
    """An input that selects: its name, what a name in it may be, and how names of a wildcard are made."""

    input: str
    example: str
    pattern: str
    kind: str  # of what a value becomes
    upper: bool = False
    joint: str = "."


ENVIRONMENT = Target("environment", "database.password | DATABASE_PASSWORD", _VARIABLE, "variable", True, "_")
SECRETS = Target("secrets", "VAULT/database-password | DATABASE_PASSWORD", _VARIABLE, "variable", True, "_")
VALUES = Target("values", "database.password | DATABASE_PASSWORD", r"[A-Za-z_][A-Za-z0-9_.-]*", "value", joint="_")
VALUE_FILES = Target("value-files", "tls.key | certificates/tls.key", _FILE, "file")
SECRET_DATA = Target("secret-data", "tls.key | tls.key", r"[-._A-Za-z0-9]{1,253}", "key")


class Origin(Protocol):
    """Where values come from: a decrypted file, or a vault with what was read of it."""

    @property
    def name(self) -> str: ...
    @property
    def documents(self) -> Sequence[Any]: ...
    def whole(self) -> bytes:
        """The file as it was before encryption."""


@dataclass(frozen=True)
class Wanted:
    """One line. `what` is `[FILE ]path`, `*` for all values below, `.` for the whole file; `name` may be a prefix."""

    what: str
    name: str

    @property
    def many(self) -> bool:
        return re.search(r"(^|[. ])\*$", self.what) is not None


def parse(target: Target, lines: Iterable[str]) -> list[Wanted]:
    """The lines of an input. Raises InputError for a line that is none, or a name given twice."""
    wanted: list[Wanted] = []
    for line in lines:
        what, bar, name = (part.strip() for part in line.partition("|"))
        item = Wanted(what, name)
        nameless = item.many and not name  # all values below, by their own names
        if not what or (not nameless and (not bar or not re.fullmatch(target.pattern, name))):
            raise InputError(
                f"`{target.input}` has {line!r}: not written as `path.to.key | NAME`",
                why=f"A {target.kind} needs a name of its own." if not name else f"{name!r} names no {target.kind}.",
                do=f"Such as `{target.example}`, one a line.",
            )
        if any(other.name == name and not other.many for other in wanted) and not item.many:
            raise _twice(target, name)
        wanted.append(item)
    return wanted


def select(target: Target, wanted: Iterable[Wanted], origins: Sequence[Origin]) -> dict[str, str | bytes]:
    """Every value by its name; bytes where it is no text.

    Raises InputError where a path finds nothing, several values or no single one, and for a name that comes twice.
    """
    found: dict[str, str | bytes] = {}
    for item in wanted:
        for name, value in _taken(target, item, origins):
            if name in found:
                raise _twice(target, name)
            found[name] = value
    return found


def text(value: str | bytes) -> str:
    """As text; what is none in base64."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _twice(target: Target, name: str) -> InputError:
    return InputError(f"`{target.input}` names {name} twice", do="Give each value a name of its own.")


@dataclass(frozen=True)
class _Found:
    origin: Origin
    value: Any = field(repr=False)


def _taken(target: Target, item: Wanted, origins: Sequence[Origin]) -> Iterator[tuple[str, str | bytes]]:
    among, path = _narrowed(item.what, origins)
    if path == ".":
        if len(among) != 1:
            raise InputError(
                f"{item.what!r}, wanted as {item.name}, is the whole of more than one file",
                do=f"Name the file before it: `{among[0].name} . | {item.name}`." if among else "",
            )
        content = among[0].whole()
        yield item.name, _text_or_bytes(content)
        return
    if item.many:
        yield from _below(target, item, path[:-1].removesuffix("."), among)
        return
    found = [
        _Found(origin, value)
        for origin in among
        for document in origin.documents
        if (value := _at(document, path)) is not _MISSING
    ]
    if not found:
        raise _nothing(item, among)
    if len(found) > 1:
        names = list(dict.fromkeys(match.origin.name for match in found))
        raise InputError(
            f"{path!r}, wanted as {item.name}, is in more than one document",
            why=f"In {', '.join(names)}.",
            do=f"Name the file before it: `{names[0]} {path} | {item.name}`."
            if len(names) > 1
            else "Split the file: its documents can't be told apart here.",
        )
    yield item.name, _single(target, item, found[0])


def _narrowed(what: str, origins: Sequence[Origin]) -> tuple[Sequence[Origin], str]:
    """The origins that a line means, and its path. A path may hold blanks itself, so the first word must fit one."""
    first, blank, rest = what.partition(" ")
    if blank:
        chosen = [origin for origin in origins if origin.name == first]
        chosen = chosen or [origin for origin in origins if fnmatch.fnmatchcase(origin.name, first)]
        if chosen:
            return chosen, rest.strip()
    return origins, what


def _below(target: Target, item: Wanted, base: str, among: Sequence[Origin]) -> Iterator[tuple[str, str | bytes]]:
    found = False
    for origin in among:
        for document in origin.documents:
            start = _at(document, base)
            for parts, value in _leaves(start, ()) if isinstance(start, dict | list) else ():
                found = True
                yield _name(target, item, parts), value
    if not found:
        raise _nothing(item, among)


def _leaves(node: Any, parts: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str | bytes]]:
    children = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in children:
        if isinstance(value, dict | list):
            yield from _leaves(value, (*parts, str(key)))
        elif value is not None:
            yield (*parts, str(key)), _scalar(value)


def _name(target: Target, item: Wanted, parts: tuple[str, ...]) -> str:
    name = target.joint.join(parts)
    if target.upper:
        name = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
    if not re.fullmatch(target.pattern, item.name + name):
        raise InputError(
            f"`{target.input}` can't give the value at {'.'.join(parts)!r} the name {item.name + name!r}",
            why=f"It names no {target.kind}.",
            do=f"Name this value by itself: `{'.'.join(parts)} | NAME`.",
        )
    return item.name + name


def _nothing(item: Wanted, among: Sequence[Origin]) -> InputError:
    keys = sorted({str(key) for origin in among for document in origin.documents for key in document})
    wanted = f", wanted as {item.name}" if item.name else ""
    return InputError(
        f"no decrypted file has {item.what!r}{wanted}",
        why=f"Their top-level keys: {', '.join(keys[:30]) or 'none'}.",
        do="Keys are separated by dots, items counted from 0: `users.0.name`; a key with dots is written whole. "
        "A file may stand before the path: `config/app.yaml users.0.name | NAME`.",
    )


def _at(node: Any, path: str) -> Any:
    """The value at a dotted path; a key that holds dots itself (`tls.key`) is found too, the longest first."""
    if not path:
        return node
    if isinstance(node, list):
        index, _, rest = path.partition(".")
        return _at(node[int(index)], rest) if index.isdecimal() and int(index) < len(node) else _MISSING
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


def _single(target: Target, item: Wanted, found: _Found) -> str | bytes:
    value = found.value
    if isinstance(value, dict | list) or value is None:
        kind = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "null"
        raise InputError(
            f"{item.what!r} of {found.origin.name} is {kind}: no value for the {target.kind} {item.name}",
            do=f"Name one value below it, or all of them: `{item.what}.*`." if value else "",
        )
    return _scalar(value)


def _scalar(value: Any) -> str | bytes:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, bytes) else str(value)


def _text_or_bytes(content: bytes) -> str | bytes:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content
