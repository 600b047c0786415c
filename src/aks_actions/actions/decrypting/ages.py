"""How long keys have been in use: what a file's metadata prove, and what is past its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sops_python.metadata import MasterKey, Metadata


@dataclass(frozen=True)
class Stale:
    """A key that is past its rotation age, and the command that renews it."""

    what: str
    days: int
    do: str

    def __str__(self) -> str:
        return f"{self.what} is in use for at least {self.days} days; {self.do}"


def since(metadata: Metadata) -> datetime | None:
    """When a file's data key existed at the latest: its wrapped copies, and the file itself, can't be older.

    `created_at` is when the data key was wrapped for a recipient, `lastmodified` when a value changed: a data key is
    as old as the oldest of them, or older. age's recipients have no date.
    """
    dates = [
        at
        for text in (*(key.created_at for key in metadata.master_keys), metadata.lastmodified)
        if (at := parsed(text))
    ]
    return min(dates, default=None)


def stale(files: Sequence[tuple[str, Metadata]], now: datetime, limit: int) -> list[Stale]:
    """Data keys, file by file, and master keys, each once, that are in use for more than `limit` days (0: no limit)."""
    if not limit:
        return []
    found = [
        Stale(f"the data key of {file}", age, f"rotate it: sops rotate -i {file}")
        for file, metadata in files
        if (at := since(metadata)) and (age := days(at, now)) > limit
    ]
    for key, at in _master_keys(metadata for _, metadata in files):
        if (age := days(at, now)) > limit:
            found.append(
                Stale(
                    f"the {key.kind} key {key.identity}",
                    age,
                    "renew it, then: sops updatekeys FILE; sops rotate -i FILE",
                )
            )
    return found


def _master_keys(files: Iterable[Metadata]) -> list[tuple[MasterKey, datetime]]:
    """Each dated master key once, with its first use."""
    first: dict[tuple[str, str], tuple[MasterKey, datetime]] = {}
    for metadata in files:
        for key in metadata.master_keys:
            if at := parsed(key.created_at):
                known = first.get((key.kind, key.identity))
                if known is None or at < known[1]:
                    first[key.kind, key.identity] = (key, at)
    return list(first.values())


def days(at: datetime, now: datetime) -> int:
    return max(0, (now - at).days)


def parsed(text: str) -> datetime | None:
    """An RFC 3339 date as sops writes it; None for none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def recipients(metadata: Metadata, now: datetime) -> list[str]:
    """Who opens a file: a line for each master key, by groups where there are several."""
    lines = []
    for number, group in enumerate(metadata.groups, 1):
        if len(metadata.groups) > 1:
            lines.append(f"group {number} of {len(metadata.groups)}, {metadata.threshold} are needed")
        for key in group:
            at = parsed(key.created_at)
            age = f"since {at:%Y-%m-%d}, {days(at, now)} days" if at else "no date in the file"
            lines.append(f"{key.kind} {key.identity}   {age}")
    return lines
