"""The tree that every store reads into and writes from: order, duplicate keys and comments are kept.

A file is a list of `Branch` (one a document). A branch is a list of `(key, value)` pairs, where a key is a string or
a `Comment` (whose value is `None`); a sequence is a list of values and comments. No `repr` here shows a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

MAX_DEPTH = 200  # levels of nesting; everything here that recurses relies on it

Plain: TypeAlias = Any  # str | bytes | int | float | bool | None | list[Plain] | dict[str, Plain]


class Comment:
    """A comment without its leading `#`; in an encrypted file, perhaps the ciphertext of one."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Comment) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return "<Comment>"


class Timestamp(str):
    """A point in time as RFC 3339 with up to nine fractional digits: `datetime` would lose nanoseconds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Timestamp>"


class Sequence(list["Value"]):
    """A sequence whose `repr` shows no value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Sequence of {len(self)}>"


class Branch(list["tuple[str | Comment, Value]"]):
    """A mapping in document order; comments are keys of their own with the value `None`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Branch of {len(self)}>"


# `bytes` is a string that is not UTF-8 (YAML's !!binary); `Timestamp` is a `str`.
Scalar: TypeAlias = "str | bytes | int | float | bool | None"
Value: TypeAlias = "Scalar | Comment | Branch | Sequence"


def to_plain(value: Value, *, merge: bool = False) -> Plain:
    """Ordinary dicts, lists and scalars without comments, as a reader of sops's own output would get them.

    Of duplicate keys the last wins. A float without a fraction becomes an int, because sops prints `8080`, not
    `8080.0`. With `merge` (YAML), what stands under `<<` is merged into its mapping.
    """
    if isinstance(value, Branch):
        return _plain_mapping(value, merge)
    if isinstance(value, Sequence):
        return [to_plain(item, merge=merge) for item in value if not isinstance(item, Comment)]
    if isinstance(value, Timestamp):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        from decimal import Decimal

        return int(Decimal(repr(value)))  # the shortest digits, then zeros, as it is printed
    return value


def _plain_mapping(branch: Branch, merge: bool) -> dict[str, Plain]:
    result: dict[str, Plain] = {}
    inherited: list[dict[str, Plain]] = []
    for key, value in branch:
        if isinstance(key, Comment):
            continue
        plain = to_plain(value, merge=merge)
        if merge and key == "<<" and isinstance(plain, dict | list):
            inherited += [plain] if isinstance(plain, dict) else [item for item in plain if isinstance(item, dict)]
        else:
            result[key] = plain
    for mapping in inherited:  # own keys win over inherited ones, earlier mappings over later ones
        for key, plain in mapping.items():
            result.setdefault(key, plain)
    return result


def walk_scalars(value: Value, visit: Callable[[Scalar], None]) -> None:
    """Call `visit` with every scalar below `value` (not with comments): what a caller has to mask."""
    if isinstance(value, Branch):
        for _, item in value:
            walk_scalars(item, visit)
    elif isinstance(value, Sequence):
        for item in value:
            walk_scalars(item, visit)
    elif not isinstance(value, Comment):
        visit(value)


def is_shallow(value: Value) -> bool:
    """Whether a tree has at most MAX_DEPTH levels."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [item for container in level for item in _children(container) if isinstance(item, list)]
        if not level:
            return True
    return False


def _children(container: Value) -> list[Value]:
    if isinstance(container, Branch):
        return [item for _, item in container]
    return list(container) if isinstance(container, Sequence) else []
