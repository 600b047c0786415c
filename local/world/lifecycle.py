"""The world's life: `up` finds it or makes it, `down` ends it. Both heal whatever a kill has left."""

import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from local import names, setup
from local.setup import packages
from local.world import components, config, images, locks, machine, network, paths, pki, ports
from local.world.errors import UNUSABLE, WorldError
from local.world.options import ROOT, Options, flattened_kubeconfig, kubectl, require_docker, require_machine
from local.world.state import Plan, Status, supervisor_lives, supervisor_pids

Report = Callable[[str], None]
START_LIMIT = 120.0  # seconds
END_LIMIT = 20.0  # seconds


def up(report: Report) -> bool:
    """Finds the world that is wanted, or makes it. Whether it had to be made. Raises WorldError."""
    require_machine()
    options = Options.from_environ(os.environ)
    version = options.version()
    if _is_whole(version):
        return False
    if options.docker:
        require_docker()
    kubeconfig = flattened_kubeconfig(options.existing_cluster) if options.existing_cluster else None
    parts = setup.prepare(kubeconfig is None, not options.docker, report)
    with locks.changing(report):
        if _starts(version):
            report("the world is coming up already")
            _wait(report)
        if _is_whole(version):  # another command has made it while we waited
            return False
        with locks.nobody_using(report):
            _explain_replacement(version, report)
            _end()
            plan = Plan(
                version,
                str(ROOT),
                os.environ.get("SUDO_USER") or getpass.getuser(),
                kubeconfig is None,
                not options.docker,
            )
            _check_machine(plan)
            _make(plan, parts, kubeconfig)
            _wait(report)
    return True


def down(report: Report) -> bool:
    """Ends the world and undoes all that it changed. Whether there was one. Raises WorldError."""
    require_machine()
    packages.remove_policy()
    with locks.changing(report), locks.nobody_using(report):
        existed = names.STATE.exists()
        _end()
    return existed


def is_wanted() -> bool:
    """Whether the world is up, whole, and the one that the environment asks for."""
    return _is_whole(Options.from_environ(os.environ).version())


def broken_parts(status: Status) -> dict[str, str]:
    """The parts of a started world that do not work, and how: as recorded, and as they answer now."""
    found = {name: part.detail for name, part in status.parts.items() if part.state == "failed"}
    for component in components.all_of(status.plan):
        recorded = status.parts.get(component.name)
        if recorded and recorded.state == "ready" and not component.ready():
            found[component.name] = "runs, but does not answer"
    return found


def _is_whole(version: str) -> bool:
    status = Status.load()
    return (
        status is not None
        and status.plan.version == version
        and status.phase == "ready"
        and supervisor_lives()
        and not broken_parts(status)
    )


def _starts(version: str) -> bool:
    status = Status.load()
    return status is not None and status.plan.version == version and status.phase == "starting" and supervisor_lives()


def _explain_replacement(version: str, report: Report) -> None:
    status = Status.load()
    if status is None:
        if names.STATE.exists():
            report("clearing what an unfinished world has left")
    elif not supervisor_lives():
        report("clearing what a dead world has left")
    elif status.plan.version != version:
        report(f"replacing the world of {status.plan.clone}: it is of another version ({status.plan.version})")
    else:
        report(f"replacing a world that is broken: {', '.join(broken_parts(status)) or 'it did not come up'}")


def _end() -> None:
    """Processes first: with its PID 1 the kernel ends everything that runs in the world, and its mounts."""
    began = time.monotonic()
    ending: set[int] = set()
    while ending := {pid for pid in ending.union(supervisor_pids()) if _exists(pid)}:
        waited = time.monotonic() - began
        if waited > END_LIMIT:
            raise WorldError(f"The world's supervisor does not end, not even by SIGKILL: process {min(ending)}.")
        for pid in ending:
            # Again and again: one that has just been born as a PID 1 ignores what it has no handler for yet.
            _signal(pid, signal.SIGKILL if waited > END_LIMIT / 2 else signal.SIGTERM)
        time.sleep(0.05)
    machine.restore()


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _exists(pid: int) -> bool:
    """Whether a process has not ended. A zombie has, with all its descendants in the PID namespace."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _check_machine(plan: Plan) -> None:
    ports.require_free(ports.wanted(plan.cluster))
    if plan.cluster and (chains := network.foreign_chains()):
        raise WorldError(
            f"Another Kubernetes cluster's kube-proxy works on this machine (iptables has {chains[0]}).\n"
            "Use that cluster (WORLD_CLUSTER=existing KUBECONFIG=…), or end it first.",
            UNUSABLE,
        )


def _make(plan: Plan, parts: setup.Parts, kubeconfig: bytes | None) -> None:
    names.STATE.mkdir(parents=True)
    for directory in (paths.BIN, paths.CONFIG, paths.LOG, paths.DATA, images.IMAGES):
        directory.mkdir()
    machine.prepare(plan.cluster)
    for name, program in {**parts.programs, "kubectl": kubectl()}.items():
        (paths.BIN / name).symlink_to(program)
    for name, layout in parts.images.items():
        (images.IMAGES / name).symlink_to(layout)
    config.write(Path("/proc/self/status").read_text())
    if kubeconfig:
        pki.write_private(paths.KUBECONFIG, kubeconfig)
    else:
        pki.create(paths.PKI, paths.KUBECONFIG)
    with (paths.LOG / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "local.world.supervisor", json.dumps(asdict(plan))],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=ROOT,
        ).wait()  # it goes on as PID 1 of its own namespace; this process was only the way there


def _wait(report: Report) -> None:
    """Follows the world's start until all of it is ready. Raises WorldError with the log's end of what failed."""
    seen: set[str] = set()
    deadline = time.monotonic() + START_LIMIT
    while True:
        alive = supervisor_lives()
        status = Status.load()
        for name, part in status.parts.items() if status else ():
            if name not in seen and part.state in ("ready", "done"):
                seen.add(name)
                report(name)
        if status and status.phase == "ready":
            return
        if status and status.phase == "broken":
            raise WorldError(_failure(status))
        if not alive:
            raise WorldError(f"The world's supervisor ended.\n{last_lines('supervisor')}")
        if time.monotonic() > deadline:
            late = sorted(name for name, part in status.parts.items() if name not in seen) if status else ["all"]
            raise WorldError(f"Not ready after {START_LIMIT:.0f} s: {', '.join(late)}.\n{last_lines(late[0])}")
        time.sleep(0.05)


def _failure(status: Status) -> str:
    failed = {name: part for name, part in status.parts.items() if part.state == "failed"}
    return "\n".join(f"{name} {part.detail}.\n{last_lines(name)}" for name, part in failed.items())


def last_lines(name: str, count: int = 8) -> str:
    """The end of a part's log, indented, under the log's path."""
    log = paths.LOG / f"{name}.log"
    lines = log.read_text(errors="replace").splitlines()[-count:] if log.exists() else []
    return "\n".join([f"  {log}:", *(f"    {line[:300]}" for line in lines)])
