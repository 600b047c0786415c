"""What a field manager owns, read from `metadata.managedFields` (FieldsV1).

`f:NAME` is a key of a mapping, `k:{…}` an item of an associative list by its keys, `v:VALUE` a member of a set, `.` the
element itself; `{}` is a leaf. Source: sigs.k8s.io/structured-merge-diff, fieldpath/serialize.go.
"""

from __future__ import annotations

import json
from typing import Any

FieldSet = dict[str, Any]

# Never in a field set, though every apply sends them.
_IDENTITY = ("name", "namespace")
_ABSENT = object()


def owned(live: dict[str, Any], manager: str, api_version: str = "") -> FieldSet | None:
    """The fields that `manager` applied; None where there is no such entry, or more than one.

    With `api_version`, only an entry of that version counts: field paths of another one mean other fields.
    """
    entries = _entries(live, manager)
    if len(entries) != 1 or (api_version and entries[0].get("apiVersion") != api_version):
        return None
    fields = entries[0].get("fieldsV1")
    return fields if isinstance(fields, dict) else None


def _entries(live: dict[str, Any], manager: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in live.get("metadata", {}).get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]


def proved_unchanged(desired: dict[str, Any], live: dict[str, Any], manager: str) -> bool:
    """Whether applying `desired` would certainly change nothing: no request is needed. Any doubt is a no.

    Who changes a field that we own, by update or by force, takes it out of our entry: so the entry and the values in
    `live` together tell what an apply would do.
    """
    if live.get("metadata", {}).get("deletionTimestamp"):
        return False
    body = _body(desired)
    if not body and not _entries(live, manager):
        return True  # a bare Namespace: who owns nothing has no entry
    fields = owned(live, manager, str(desired.get("apiVersion")))
    return fields is not None and _same(fields, body, live)


def _body(desired: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in desired.get("metadata", {}).items() if key not in _IDENTITY}
    body = {key: value for key, value in desired.items() if key not in ("apiVersion", "kind", "metadata")}
    return {**body, "metadata": metadata} if metadata else body


def _same(fields: FieldSet, want: Any, live: Any) -> bool:
    keys = [key for key in fields if key != "."]
    if not keys:
        # As JSON: Python takes True for 1 and 1.0 for 1.
        return type(want) is type(live) and (want == live if isinstance(want, str) else _json(want) == _json(live))
    kind = keys[0][:2]
    if any(key[:2] != kind for key in keys):
        return False
    if kind == "f:":
        return (
            isinstance(want, dict)
            and isinstance(live, dict)
            and len(want) == len(keys)
            and all(
                key[2:] in want and key[2:] in live and _same(fields[key], want[key[2:]], live[key[2:]]) for key in keys
            )
        )
    if not isinstance(want, list) or not isinstance(live, list) or len(want) != len(keys):
        return False
    if kind == "k:":
        return _same_items(fields, keys, want, live)
    if kind == "v:":
        return [json.loads(key[2:]) for key in keys] == want if len(want) < 2 else _same_set(keys, want, live)
    return False  # `i:`, an index: nobody writes it today


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _same_items(fields: FieldSet, keys: list[str], want: list[Any], live: list[Any]) -> bool:
    order = []
    for key in keys:
        named = json.loads(key[2:])
        # What the manifest leaves out of an item's keys is a default, such as `protocol: TCP`.
        wanted = [
            i
            for i, item in enumerate(want)
            if isinstance(item, dict) and all(item.get(k, v) == v for k, v in named.items())
        ]
        there = [
            i
            for i, item in enumerate(live)
            if isinstance(item, dict) and all(item.get(k) == v for k, v in named.items())
        ]
        if len(wanted) != 1 or len(there) != 1:
            return False
        item = want[wanted[0]]
        owned_fields = {
            name: value
            for name, value in fields[key].items()
            if name == "." or name[2:] in item or name[2:] not in named
        }
        if not _same(owned_fields, item, live[there[0]]):
            return False
        order.append((wanted[0], there[0]))
    # An apply that brings another order moves the items, so the order has to agree as well.
    order.sort()
    positions = [there for _, there in order]
    return positions == sorted(positions)


def _same_set(keys: list[str], want: list[Any], live: list[Any]) -> bool:
    mine = [json.loads(key[2:]) for key in keys]
    return (
        sorted(map(json.dumps, mine)) == sorted(map(json.dumps, want))
        and [item for item in live if item in want] == want
    )


def extract(live: dict[str, Any], *sets: FieldSet | None) -> dict[str, Any]:
    """The part of `live` that the field sets name: what has to be applied to have these fields as they are there."""
    fields: FieldSet = {}
    for more in sets:
        fields = _union(fields, more or {})
    found = _extract(fields, live) if fields else {}
    metadata = {key: live["metadata"][key] for key in _IDENTITY if key in live["metadata"]}
    return {
        **found,
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {**(found.get("metadata") or {}), **metadata},
    }


def _union(one: FieldSet, other: FieldSet) -> FieldSet:
    return {**one, **{key: _union(one[key], value) if key in one else value for key, value in other.items()}}


def _extract(fields: FieldSet, live: Any) -> Any:
    keys = [key for key in fields if key != "."]
    if not keys:
        return live
    if keys[0].startswith("f:"):
        if not isinstance(live, dict):
            return _ABSENT
        parts = {key[2:]: _extract(fields[key], live[key[2:]]) for key in keys if key[2:] in live}
        return {key: value for key, value in parts.items() if value is not _ABSENT}
    if not isinstance(live, list):
        return _ABSENT
    if keys[0].startswith("v:"):
        members = [json.loads(key[2:]) for key in keys]
        return [item for item in live if item in members]
    items = []
    for item in live:
        for key in keys:
            named = json.loads(key[2:])
            if isinstance(item, dict) and all(item.get(k) == v for k, v in named.items()):
                # A key that the manifest left to its default is not owned, so it is not sent either.
                items.append(_extract(fields[key], item) if set(fields[key]) - {"."} else named)
    return items
