"""The demo itself, as phases: the world, the pipeline, the proof from outside, and what to try next."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

from local.demo import faults, outside
from local.demo.pipeline import Run, git, run
from local.demo.prober import Prober, Tally, settled
from local.world import paths, use

ROOT = Path(__file__).resolve().parents[2]
LOG = paths.LOG / "demo.log"


def demo(fault: str | None = None) -> int:
    """Run it; returns the exit code: the pipeline's, or 1 where the application does not answer as it should."""
    clock = [("World", time.monotonic())]
    with use():
        clock.append(("Pipeline", time.monotonic()))
        if fault is None:
            return _deploy(clock)
        if outside.deployed() is None:
            say("Nothing is deployed yet: first the main job, then the fault.")
            if code := _deploy(clock):
                return code
        return _break(fault)


def _deploy(clock: list[tuple[str, float]]) -> int:
    commit = git(ROOT, "rev-parse", "HEAD")
    before = outside.image()
    say(f"\nmain.yml, push of {commit[:7]} to main, under act" + (f"; now serving {_short(before)}" if before else ""))
    with Prober(outside.node_port()) if before else nullcontext(Tally()) as tally:
        result = run(ROOT, "push", show=say)
    LOG.write_text(result.log)
    clock.append(("Proof", time.monotonic()))
    if result.code:
        return _failed(result)
    port = outside.node_port()
    answer = settled(port, commit)
    clock.append(("", time.monotonic()))
    _table(clock, result)
    if before:
        say(f"\nThe outside prober: {tally.requests} requests, {len(tally.failures)} failed.")
        for second, error in tally.failures[:10]:
            say(f"    at {second:.1f} s: {error}")
    if answer.get("commit") != commit:
        say(f"\n✘ The Service answers {answer or 'nothing'}, not commit {commit[:7]}")
        return 1
    say(f"\n✔ {_short(outside.image())} answers at http://127.0.0.1:{port}/")
    say(f"    version {answer['version']}, commit {commit[:7]}, pod {answer['pod']}")
    _next(port)
    return 1 if tally.failures else 0


def _break(name: str) -> int:
    before, port = outside.image(), outside.node_port()
    say(f"\nBREAK={name}: {faults.FAULTS[name].says}. Now serving {_short(before)}")
    with (
        tempfile.TemporaryDirectory(prefix="aks-actions-demo-") as scratch,
        faults.broken(ROOT, Path(scratch), name) as (clone, inputs),
        Prober(port) as tally,
    ):
        result = run(clone, "workflow_dispatch", inputs=inputs, show=say)
    LOG.write_text(result.log)
    if result.code:
        say(f"\nThe pipeline ended with {result.code} after {result.seconds:.0f} s, as it should.")
    kept = outside.image() == before and not tally.failures
    say(
        f"{'✔' if kept else '✘'} {_short(outside.image())} serves; the outside prober made {tally.requests} requests, "
        f"{len(tally.failures)} failed."
    )
    if result.code == 0:
        say("✘ The fault went unnoticed.")
    return result.code or 1


def _failed(result: Run) -> int:
    say(f"\n✘ The pipeline failed after {result.seconds:.0f} s. What failed stands above; folded lines are in {LOG}.")
    return result.code


def _table(clock: list[tuple[str, float]], result: Run) -> None:
    say("\n┌ what was done ─────────────────────────────────────────────────────────────────────────")
    for (name, begun), (_, ended) in pairwise(clock):
        say(f"│ {name:<44}{ended - begun:>8.1f} s")
        if name == "Pipeline":
            for step, phase, note, seconds in result.phases:
                say(f"│   {step.rpartition('/')[2]:<15} {phase:<23}{seconds:>14}   {note[:60]}")
    say(f"│ {'In all':<44}{clock[-1][1] - clock[0][1]:>8.1f} s")
    say("└────────────────────────────────────────────────────────────────────────────────────────")


def _next(port: int) -> None:
    say(
        f"""
To try next:
    curl http://127.0.0.1:{port}/
    export KUBECONFIG={paths.KUBECONFIG}; {paths.BIN}/kubectl --namespace shop get pods
    change the text in app/, commit, `make demo` again    a new digest, without a failed request
    make demo BREAK=image      also crash, probe, secret, quota: how a failing deploy looks
    make world-status          what runs, and where its log is
    make world-down            ends it all and leaves nothing behind"""
    )


def _short(image: str) -> str:
    name, _, digest = image.partition("@")
    return f"{name}@{digest[:19]}…" if digest else image


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
