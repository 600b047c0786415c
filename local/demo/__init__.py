"""`make demo`: the main job on the local world. A commit becomes a verified workload, by main.yml under act."""

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """`python -m local demo [--break FAULT]`; returns the exit code."""
    from local.demo import faults, run

    parser = argparse.ArgumentParser("python -m local demo", description=__doc__)
    parser.add_argument("--break", dest="fault", choices=faults.FAULTS, help="deploy a commit that is broken so")
    return run.demo(parser.parse_args(arguments).fault)
