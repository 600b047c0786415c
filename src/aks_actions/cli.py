"""From a name to an action, the one `except`, and exit codes. Two doors: a GitHub step and a shell."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from . import inputs
from .errors import Failure, exit_code
from .job import Job
from .report import summary, text

# The shell's word, the action's folder, and the module in `actions/` that has Inputs, Outputs and run().
COMMANDS = {
    "build": "build",
    "decrypt": "decrypt-secrets",
    "cleanup": "decrypt-secrets/cleanup",
    "deploy": "deploy-aks",
    "verify": "verify-health",
}
CANCEL_BUDGET = 6.0  # seconds; the runner sends SIGTERM after 7.5 s and kills 2.5 s later
ISSUES = "https://github.com/ORG/aks-actions/issues"


def run_step(name: str) -> int:
    """Run the action in folder `name` as a step of a GitHub job."""
    job = Job(os.environ)
    command = next(word for word, folder in COMMANDS.items() if folder == name)
    return _guarded(
        job,
        name,
        lambda: _run(job, command, inputs.from_environment(_module(command).Inputs, inputs.action(name), os.environ)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """`aks-actions COMMAND --input value …`: the same actions from a shell."""
    parser = argparse.ArgumentParser(prog="aks-actions", description="From a commit to a verified workload on AKS.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for word, folder in COMMANDS.items():
        spec = inputs.action(folder)
        sub = commands.add_parser(word, help=spec.description, description=spec.description)
        for declared in spec.inputs.values():
            note = f" (default: {declared.default})" if declared.default else " (required)" if declared.required else ""
            sub.add_argument(
                f"--{declared.name}", metavar="VALUE", help=(declared.description + note).replace("%", "%%")
            )
        sub.add_argument(
            "--output", choices=("text", "json"), default="text", help="json: the outputs on stdout, the log on stderr"
        )
    flags = vars(parser.parse_args(arguments))
    command = flags.pop("command")
    as_json = flags.pop("output") == "json"
    job = Job(os.environ, stream=sys.stderr if as_json else sys.stdout)
    values = {name.replace("_", "-"): value for name, value in flags.items() if value is not None}
    spec = inputs.action(COMMANDS[command])
    out = sys.stdout
    # Workflow commands go where the log goes: a mask among the outputs would be plaintext in them.
    with contextlib.redirect_stdout(job.log.stream):
        return _guarded(
            job,
            COMMANDS[command],
            lambda: _run(job, command, inputs.parse(_module(command).Inputs, spec, values, lambda i: f"--{i.name}")),
            emit=(lambda outputs: print(json.dumps(outputs, indent=2), file=out)) if as_json else None,
        )


def _module(command: str) -> Any:
    return importlib.import_module(f".actions.{command}", __package__)


def _run(job: Job, command: str, parsed: Any) -> dict[str, Any]:
    for field in dataclasses.fields(parsed):
        value = getattr(parsed, field.name)
        if isinstance(value, inputs.Secret):
            job.mask(value)
    return dataclasses.asdict(_module(command).run(parsed, job))


def _guarded(
    job: Job,
    name: str,
    run: Callable[[], dict[str, Any]],
    emit: Callable[[dict[str, Any]], None] | None = None,
) -> int:
    """The only place that turns exceptions into text, annotations, outputs and an exit code."""
    _watch_signals(job)
    outputs: dict[str, Any] = {}
    code = 0
    try:
        outputs = run()
    except Failure as error:
        outputs, code = error.outputs, exit_code(error)
        _report(job, name, error)
    except Exception:  # a bug of ours: the traceback, folded, and where to report it
        code = 70
        job.log.line(f"✘ {name} has a bug and stopped. Please report it with the traceback below: {ISSUES}")
        job.log.folded("Traceback", _traceback())
        job.commands.annotate("error", f"{name} stopped because of a bug in it; see its log.")
    for key, value in outputs.items():
        job.commands.set_output(key.replace("_", "-"), value if isinstance(value, str) else json.dumps(value))
    if emit:
        emit(outputs)
    return code


def _traceback() -> str:
    # Frames only: an exception's text may quote what it choked on, and that may be a secret.
    kind, _, frames = sys.exc_info()
    return "".join(traceback.format_tb(frames)) + (kind.__name__ if kind else "")


def _report(job: Job, name: str, error: Failure) -> None:
    job.log.line(text.failure(error))
    if error.details:
        job.log.folded("Details", error.details)
    job.commands.annotate(
        "error", error.what + (f"\n{error.do}" if error.do else ""), error.at, title=f"{name}: {error.title}"
    )
    job.commands.summary(summary.failure(name, error))


def _watch_signals(job: Job) -> None:
    """The first INT or TERM asks the action to stop; if it can't in time, the process ends all the same."""

    def stop(number: int, _frame: object) -> None:
        if job.cancelled:
            return
        job.cancel(number)
        timer = threading.Timer(CANCEL_BUDGET, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


if __name__ == "__main__":
    sys.exit(main())
