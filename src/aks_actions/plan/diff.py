"""What differs between two states of an object, field by field, for people to read. Secret values never."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_BOOKKEEPING = frozenset(
    ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp")
)
_HIDDEN_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"  # repeats the whole object, Secrets included
_ITEM_KEYS = ("name", "containerPort", "port", "mountPath", "devicePath", "ip", "type", "topologyKey", "key")
_TEMPLATE = "spec.template.spec."
_LONG = 60
_MISSING = object()


@dataclass(frozen=True)
class Change:
    """One field; `old` and `new` as JSON text, empty where the field is not there, both empty where they are secret."""

    path: str
    old: str
    new: str
    secret: bool = False

    def __str__(self) -> str:
        path = self.path.removeprefix(_TEMPLATE)
        if self.secret:
            return f"{path}  changed"
        old, new = _around_difference(self.old, self.new)
        return f"{path}  {shortened(old) or '(none)'} → {shortened(new) or '(none)'}"


def changes(
    before: dict[str, Any] | None, after: dict[str, Any], *, secret: bool, ignored: frozenset[str] = frozenset()
) -> list[Change]:
    """The changed fields, bookkeeping and the annotations in `ignored` left out; `secret` hides all values."""
    found = _differences(_cleaned(before or {}, ignored), _cleaned(after, ignored), "")
    return [
        Change(path, "", "", secret=True)
        if secret or path.endswith(_HIDDEN_ANNOTATION)
        else Change(path, _text(old), _text(new))
        for path, old, new in found
    ]


def restarts(changed: list[Change]) -> bool:
    """Whether the changes of a workload replace its pods."""
    return any(change.path.startswith("spec.template.") for change in changed)


def shortened(text: str) -> str:
    """One line; a digest keeps its first digits, long text its beginning."""
    head, at, digest = text.partition("@sha256:")
    if at and len(digest) == 64:
        name = head.rpartition("/")[2]
        return f"{name}@sha256:{digest[:8]}…"
    line = text.replace("\n", "⏎")
    return line if len(line) <= _LONG else line[: _LONG - 1] + "…"


def _around_difference(old: str, new: str) -> tuple[str, str]:
    """Of two long texts, the parts from shortly before they differ."""
    common = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    if max(len(old), len(new)) <= _LONG or common < _LONG // 3 or "@sha256:" in new:
        return old, new
    start = common - _LONG // 4
    return "…" + old[start:], "…" + new[start:]


def _cleaned(found: dict[str, Any], ignored: frozenset[str]) -> dict[str, Any]:
    metadata = {key: value for key, value in (found.get("metadata") or {}).items() if key not in _BOOKKEEPING}
    if metadata.get("annotations"):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key not in ignored}
    if not metadata.get("annotations"):
        metadata.pop("annotations", None)
    return {
        **{key: value for key, value in found.items() if key not in ("status", "apiVersion", "kind")},
        "metadata": metadata,
    }


def _differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({**old, **new}):
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), f"{path}.{key}" if path else key)
    elif isinstance(old, list) and isinstance(new, list) and (named := _named(old, new)):
        one, other = named
        for name in {**one, **other}:
            yield from _differences(one.get(name, _MISSING), other.get(name, _MISSING), f"{path}[{name}]")
    elif _alike(old, new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _differences(one, other, f"{path}[{index}]")
    elif old is _MISSING and isinstance(new, dict) and new:
        yield from _differences({}, new, path)
    elif type(old) is not type(new) or old != new:
        yield path, old, new


def _alike(old: Any, new: Any) -> bool:
    """Lists of which single items differ, such as one argument of a command."""
    return isinstance(old, list) and isinstance(new, list) and len(old) == len(new)


def _named(old: list[Any], new: list[Any]) -> tuple[dict[Any, Any], dict[Any, Any]] | None:
    """Both lists by the key that tells their items apart; None where none does."""
    if not all(isinstance(item, dict) for item in (*old, *new)):
        return None
    for key in _ITEM_KEYS:
        one = {item[key]: item for item in old if isinstance(item.get(key), str | int)}
        other = {item[key]: item for item in new if isinstance(item.get(key), str | int)}
        if len(one) == len(old) and len(other) == len(new):
            return one, other
    return None


def _text(value: Any) -> str:
    if value is _MISSING:
        return ""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
