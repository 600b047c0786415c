"""The local world: a whole cloud on one machine. `python -m local COMMAND`."""

import argparse
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence

from local.world.errors import WorldError
from local.world.options import require_machine

# Commands import what they need themselves: `enter` stands before every command that is run in the world.


def up(_: Sequence[str]) -> int:
    from local.world import lifecycle, view

    report = _timed()
    made = lifecycle.up(report)
    report("the world is up" if made else "the world is up already")
    if demands := view.demands():
        print(demands, file=sys.stderr)
    print(view.exports(), flush=True)
    return 0


def down(_: Sequence[str]) -> int:
    from local.world import lifecycle

    report = _timed()
    report("nothing is left of the world" if lifecycle.down(report) else "there was no world")
    return 0


def status(_: Sequence[str]) -> int:
    from local.world import view

    text, code = view.status()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `status | head` is no error
    print(text, flush=True)
    return code


def enter(command: Sequence[str]) -> int:
    from local.world.entering import enter as become

    become(command)
    return 0  # not reached: this process is the command now


def hold(command: Sequence[str]) -> int:
    from local.world import to_stderr, use

    with use(to_stderr) as lock:
        os.set_inheritable(lock.fileno(), True)  # the world is held as long as the command runs
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and what is ignored stays so over exec
        try:
            os.execvp(command[0], list(command))  # noqa: S606 - the user's own command
        except FileNotFoundError as error:
            raise WorldError(f"{command[0]}: there is no such command", 127) from error


def demo(arguments: Sequence[str]) -> int:
    from local.demo import main as run

    return run(arguments)


COMMANDS: dict[str, tuple[Callable[[Sequence[str]], int], str]] = {
    "up": (up, "find the world, or make it; prints what to export"),
    "down": (down, "end the world and leave nothing behind"),
    "status": (status, "what runs, where its log is, what is broken (exit 1: broken, 3: no world)"),
    "enter": (enter, "-- CMD…: run a command where the cloud answers at its real names"),
    "with": (hold, "-- CMD…: bring the world up, and keep it from being replaced while a command runs"),
    "demo": (demo, "the main job, in the world (`demo --help`)"),
}


def _timed() -> Callable[[str], None]:
    began = time.monotonic()

    def report(message: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {message}", file=sys.stderr, flush=True)

    return report


def _parse(argv: Sequence[str]) -> tuple[str, list[str]]:
    described = "\n".join(f"  {name:8} {text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        "python -m local",
        description=f"{__doc__}\n\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="WORLD_CLUSTER=existing with KUBECONFIG uses your cluster; WORLD_BUILDER=docker your Docker daemon.",
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    parsed = parser.parse_args(argv)
    rest: list[str] = parsed.arguments
    if parsed.command in ("enter", "with"):
        rest = rest[1:] if rest[:1] == ["--"] else rest
        if not rest:
            parser.error(f"{parsed.command} needs a command: python -m local {parsed.command} -- CMD…")
    elif rest and parsed.command != "demo":
        parser.error(f"{parsed.command} takes no arguments: {shlex.join(rest)}")
    return parsed.command, rest


def main() -> int:
    command, arguments = _parse(sys.argv[1:])
    try:
        require_machine()
        return COMMANDS[command][0](arguments)
    except WorldError as error:
        print(error, file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        print(f"interrupted; `python -m local {command}` again continues", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
