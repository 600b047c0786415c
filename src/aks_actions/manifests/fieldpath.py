"""Field paths as API servers write them in answers, to paths into an object: for the line that a message is about."""

from __future__ import annotations

import json
import re
from typing import Any

from .reader import Path

# `.spec`, `spec`, `[0]`, `["a.b"]`, `[name="web"]`, `[containerPort=80,protocol="TCP"]`
_STEP = re.compile(
    r"""\.?(?P<key>[A-Za-z_$][A-Za-z0-9_$-]*)
      | \.(?P<dotted>[^.\[\]]+)
      | \[(?P<index>\d+)\]
      | \[(?P<quote>["']?)(?P<name>[^\]="']+)(?P=quote)\]
      | \[(?P<keys>\w+=(?:"(?:[^"\\]|\\.)*"|[^\],]+)(?:,\w+=(?:"(?:[^"\\]|\\.)*"|[^\],]+))*)\]
    """,
    re.VERBOSE,
)
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^,]+)')


def parse(text: str, found: Any) -> Path:
    """The path of `.spec.containers[name="web"].image` in an object, as far as it leads there."""
    path: list[str | int] = []
    value = found
    position = 0
    while position < len(text) and (match := _STEP.match(text, position)):
        position = match.end()
        step = _resolved(match, value)
        if step is None:
            break
        path.append(step)
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            break
    return tuple(path)


def _resolved(match: re.Match[str], value: Any) -> str | int | None:
    if match["index"] is not None:
        return int(match["index"])
    if match["keys"] is not None:
        wanted = {key: _scalar(text) for key, text in _PAIR.findall(match["keys"])}
        items = value if isinstance(value, list) else []
        # Keys that the manifest leaves to their defaults are in the server's path all the same.
        return next((i for i, item in enumerate(items) if all(item.get(k, v) == v for k, v in wanted.items())), None)
    return match["key"] or match["dotted"] or match["name"]


def _scalar(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
