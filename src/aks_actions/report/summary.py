"""Markdown for a step's summary page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..errors import Failure


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; cells are escaped so that nobody's text breaks out of it."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def cell(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return text.replace("\r", "").replace("\n", "<br>")


def fenced(text: str, language: str = "text") -> str:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in "".join(c if c == "`" else " " for c in text).split()), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def folded(title: str, text: str) -> str:
    return f"<details><summary>{cell(title)}</summary>\n\n{fenced(text)}\n\n</details>"


def failure(action: str, error: Failure) -> str:
    """The failure first, then why and what to do, then the raw answer, folded."""
    parts = [f"### ✘ {action}: {cell(error.what)}"]
    if error.at:
        parts.append(f"at `{error.at}`")
    if error.why:
        parts.append(f"**Why:**\n{fenced(error.why)}")
    if error.do:
        parts.append(f"**Do:**\n{fenced(error.do)}")
    if error.details:
        parts.append(folded("Details", error.details))
    return "\n\n".join(parts)
