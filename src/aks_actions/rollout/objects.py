"""Cluster objects in memory: found by identity, by owner and, for events, by what they are about.

One thread's: the watches hand their changes over (kube.watch), and a dump of objects fills it just as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str, str]  # kind, namespace, name


class Objects:
    """What is known of a cluster at one moment."""

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._by_key: dict[Key, Object] = {}
        self._by_owner: dict[tuple[str, str], dict[Key, Object]] = {}
        self._by_subject: dict[str, dict[Key, Object]] = {}
        for found in objects:
            self.put(found)

    def put(self, found: Object) -> None:
        """Add an object, or replace its older version."""
        key = key_of(found)
        self.remove(key)
        self._by_key[key] = found
        for index, at in self._places(key, found):
            index.setdefault(at, {})[key] = found

    def remove(self, key: Key) -> None:
        old = self._by_key.pop(key, None)
        if old is not None:
            for index, at in self._places(key, old):
                group = index.get(at, {})
                group.pop(key, None)
                if not group:
                    index.pop(at, None)

    def replace(self, kind: str, namespace: str, found: Iterable[Object]) -> None:
        """All objects of a kind and namespace, as a new list has them."""
        listed = list(found)
        for key in {k for k in self._by_key if k[:2] == (kind, namespace)} - {key_of(o) for o in listed}:
            self.remove(key)
        for each in listed:
            self.put(each)

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        return self._by_key.get((kind, namespace, name))

    def owned(self, owner: Object, kind: str) -> list[Object]:
        """Objects of `kind` whose controller is `owner`, by UID."""
        return list(self._by_owner.get((kind, uid(owner)), {}).values())

    def events(self, about: Object) -> list[Object]:
        """Events about this very object (by UID), oldest first."""
        return sorted(self._by_subject.get(uid(about), {}).values(), key=last_seen)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._by_key.values())

    def _places(self, key: Key, found: Object) -> Iterator[tuple[dict[Any, dict[Key, Object]], Any]]:
        if key[0] == "Event":
            yield self._by_subject, (found.get("involvedObject") or {}).get("uid", "")
        for owner in found["metadata"].get("ownerReferences") or ():
            if owner.get("controller"):
                yield self._by_owner, (key[0], owner["uid"])


def key_of(found: Object) -> Key:
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def uid(found: Object) -> str:
    return str(found["metadata"].get("uid", ""))


def title(found: Object) -> str:
    """`Deployment/shop`, as people write it."""
    return f"{found['kind']}/{found['metadata']['name']}"


def condition(found: Object, kind: str) -> Object | None:
    """The status condition of this type."""
    for each in (found.get("status") or {}).get("conditions") or ():
        if each.get("type") == kind:
            return dict(each)
    return None


def is_true(found: Object, kind: str) -> bool:
    state = condition(found, kind)
    return state is not None and state.get("status") == "True"


def seconds(timestamp: str | None) -> float:
    """Epoch seconds of an RFC 3339 time as Kubernetes writes it; 0 for none."""
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else 0.0


def created(found: Object) -> float:
    return seconds(found["metadata"].get("creationTimestamp"))


def first_seen(event: Object) -> float:
    """When an event first happened. Both generations of the events API fill different fields."""
    return seconds(event.get("firstTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp"))


def last_seen(event: Object) -> float:
    series = event.get("series") or {}
    return seconds(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
    )


def times(event: Object) -> int:
    """How often it happened."""
    return int((event.get("series") or {}).get("count") or event.get("count") or 1)
