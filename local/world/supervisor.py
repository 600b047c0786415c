"""PID 1 of the world: starts its processes in the order of their needs, watches them, ends them.

It lives in a PID and a mount namespace of its own. Whatever kills it, the kernel ends every process and every mount
of the world with it.
"""

import fcntl
import json
import os
import select
import signal
import sys
import time
from types import FrameType

from local.world import components, namespaces, paths
from local.world.component import Component
from local.world.state import Part, Phase, Plan, Status

TICK = 0.05  # seconds between looks while something starts
GRACE = 1.0  # seconds for the processes to end by themselves


class Supervisor:
    def __init__(self, plan: Plan, parts: list[Component]) -> None:
        self.parts = {part.name: part for part in parts}
        self.status = Status(plan, parts={name: Part() for name in self.parts})
        self.running: dict[int, str] = {}
        self.stopping = False
        self.wakeup, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping = True

    def run(self) -> None:
        """Until SIGTERM. A process that ends unasked leaves the world broken, and says so in the status."""
        self.status.save()
        while not self.stopping:
            if self._reap() | self._advance():
                self.status.phase = self._phase()
                self.status.save()
            select.select([self.wakeup], [], [], TICK if self._asks() else None)
            self._drain()
        self._end()

    def _asks(self) -> bool:
        """Whether some service has yet to say that it is ready."""
        return any(
            part.state == "starting" and self.parts[name].kind == "service" for name, part in self.status.parts.items()
        )

    def _drain(self) -> None:
        try:
            while os.read(self.wakeup, 512):
                pass
        except BlockingIOError:
            return

    def _phase(self) -> Phase:
        states = {part.state for part in self.status.parts.values()}
        if "failed" in states:
            return "broken"
        return "ready" if states <= {"ready", "done"} else "starting"

    def _advance(self) -> bool:
        """Starts what can start, asks what has started whether it is ready. Whether anything changed."""
        changed = False
        for name, component in self.parts.items():
            part = self.status.parts[name]
            needed = (self.status.parts[need].state for need in component.needs)
            if part.state == "waiting" and all(state in ("ready", "done") for state in needed):
                self._start(component, part)
                changed = True
            elif part.state == "starting" and component.kind == "service" and component.ready():
                component.then()
                part.become("ready")
                changed = True
        return changed

    def _start(self, component: Component, part: Part) -> None:
        log = paths.LOG / f"{component.name}.log"
        output = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        part.become("starting")
        try:
            part.pid = os.posix_spawnp(
                component.argv[0],
                component.argv,
                dict(component.environment),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    output,
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigdef=[signal.SIGPIPE],
            )
        except OSError as error:
            part.become("failed", f"cannot be started: {error}")
        else:
            self.running[part.pid] = component.name

    def _reap(self) -> bool:
        """Takes in every ended process: ours, and the orphans that a PID 1 inherits (containerd's shims)."""
        changed = False
        while True:
            try:
                pid, wait_status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return changed
            if not pid:
                return changed
            name = self.running.pop(pid, None)
            if name is not None:
                changed = True
                self._ended(name, os.waitstatus_to_exitcode(wait_status))

    def _ended(self, name: str, code: int) -> None:
        part = self.status.parts[name]
        if self.parts[name].kind == "task" and code == 0:
            part.become("done")
        else:
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            part.become("failed", how)

    def _end(self) -> None:
        """Asks everyone to end; who does not is killed by the kernel when we, PID 1, are gone."""
        self.status.phase = "ending"
        self.status.save()
        for pid in self.running:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while self.running and time.monotonic() < deadline:
            self._reap()
            time.sleep(TICK)


def _enter_namespaces() -> None:
    """The rest runs as PID 1 of a new PID namespace, with mounts of its own; the caller's process ends here."""
    namespaces.unshare(namespaces.CLONE_NEWPID)
    if os.fork():
        os._exit(0)
    namespaces.private_mounts()
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_SHARED)  # for Pods that ask for propagation
    namespaces.mount("proc", "/proc", "proc")
    for directory in paths.PRIVATE_DIRECTORIES:
        own = paths.PRIVATE / directory.name
        own.mkdir(parents=True, exist_ok=True)
        namespaces.bind(own, directory)


def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    alive = paths.ALIVE.open("wb")  # held until this process ends
    fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _enter_namespaces()
    Supervisor(plan, components.all_of(plan)).run()


if __name__ == "__main__":
    main()
