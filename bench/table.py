"""How measurements are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One thing that was measured: seconds of each run, and the target where there is one."""

    what: str
    seconds: Sequence[float]
    target: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}\n{'':<62}{'median':>9}{'worst':>9}{'target':>9}{'ratio':>8}")
    first = rows[0].median
    for row in rows:
        target = f"≤ {row.target:g} s" if row.target is not None else ""
        print(
            f"  {row.what:<60}{row.median:>7.2f} s{max(row.seconds):>7.2f} s{target:>9}{row.median / first:>7.1f}×",
            flush=True,
        )
