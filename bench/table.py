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


@dataclass(frozen=True)
class Race:
    """Two programs at the same task, measured in turns; ours is to need so many times less, or at most so much."""

    what: str
    ours: Sequence[float]
    theirs: Sequence[float]
    times_less: float | None = None
    at_most: float | None = None
    unit: str = "s"

    @property
    def target(self) -> str:
        return f"≥ {self.times_less:g}×" if self.times_less is not None else f"≤ {self.at_most:.0f} {self.unit}"


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}\n{'':<62}{'median':>9}{'worst':>9}{'target':>9}{'ratio':>8}")
    first = rows[0].median
    for row in rows:
        target = f"≤ {row.target:g} s" if row.target is not None else ""
        print(
            f"  {row.what:<60}{row.median:>7.2f} s{max(row.seconds):>7.2f} s{target:>9}{row.median / first:>7.1f}×",
            flush=True,
        )


def show_races(title: str, races: Sequence[Race]) -> None:
    print(f"\n{title}: medians, ratios of medians\n{'':<66}{'theirs':>10}{'ours':>10}{'ratio':>8}{'target':>9}")
    for race in races:
        ours, theirs = statistics.median(race.ours), statistics.median(race.theirs)
        digits = 3 if race.unit == "s" else 0
        shown = [f"{value:.{digits}f} {race.unit}" for value in (theirs, ours)]
        print(f"  {race.what:<64}{shown[0]:>10}{shown[1]:>10}{theirs / ours:>7.1f}×{race.target:>9}", flush=True)
