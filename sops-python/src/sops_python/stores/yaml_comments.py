"""Comments in YAML: libyaml's parser drops them, so they are read from the text between two events.

sops's tree knows no end-of-line comments: one stands before the item at whose end it was found.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_AFTER_PROPERTIES = re.compile(r"(?:^|\s)#([^\r\n]*)")


class Gap(NamedTuple):
    """The comments between two events."""

    trailing: str | None  # at the end of the line on which the first event ended
    lines: list[tuple[int, str]]  # (column, text) of the others
    foot: int  # how many of `lines` belong to what stands before them


def gap_between(text: str, start: int, end: int, next_column: int) -> Gap | None:
    """What stands in `text[start:end]`, if it has a comment; `next_column` is where the following item begins.

    Go-yaml's way of telling a foot from a head: a comment indented deeper than what follows belongs to what stands
    before, unless it runs on, without a blank line, into comments that do not.
    """
    segment = text[start:end]
    if "#" not in segment:
        return None
    first, *rest = segment.split("\n")
    trailing = None
    groups: list[list[tuple[int, str]]] = [[]]
    begins_line = start == 0 or text[start - 1] == "\n"
    adjacent = 0  # the first group, when no blank line separates it from what stands before
    for number, line in enumerate([first, *rest]):
        mark = line.find("#")
        if mark < 0:
            if (number or begins_line) and groups[-1] and number < len(rest):
                groups.append([])
            elif number and not any(groups) and number < len(rest):
                adjacent = -1
        elif number == 0 and not begins_line:
            trailing = line[mark + 1 :].rstrip("\r")
        else:
            groups[-1].append((mark, line[mark + 1 :].rstrip("\r")))
    return Gap(trailing, [line for group in groups for line in group], _foot(groups, adjacent, next_column))


def _foot(groups: list[list[tuple[int, str]]], adjacent: int, next_column: int) -> int:
    foot = 0
    for index, group in enumerate(groups):
        deeper = 0
        while deeper < len(group) and group[deeper][0] > next_column:
            deeper += 1
        if deeper == len(group):
            foot += deeper
            continue
        return foot + (deeper if index == adjacent else 0)
    return foot


def inside_properties(span: str) -> list[str]:
    """Comments behind an anchor, a tag or a block scalar's header, which libyaml counts to the event itself."""
    return _AFTER_PROPERTIES.findall(span) if "#" in span else []
