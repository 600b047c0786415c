"""`python -m bench [NAME…]`: measurements on this machine, side by side in one run. Not tests: nothing here fails."""

from __future__ import annotations

import os
import platform
import sys

from bench import demo, rollout, sops, startup, world
from bench.table import Race, Row, show, show_races

BENCHES = {"startup": startup.measure, "rollout": rollout.measure, "demo": demo.measure, "world": world.measure}
RACES = {"sops": sops.measure}


def main(names: list[str]) -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in names or [*RACES, *BENCHES]:
        if name in RACES:
            races: list[Race] = RACES[name]()
            show_races(name, races)
        else:
            rows: list[Row] = BENCHES[name]()
            show(name, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
