"""From an exception to exit code, text, annotation and outputs."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aks_actions import errors
from aks_actions.cli import COMMANDS, _guarded, main
from aks_actions.job import Job


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (errors.RolloutFailed("x"), 1),
        (errors.BuildFailed("x"), 1),
        (errors.InputError("x"), 2),
        (errors.AuthError("x"), 3),
        (errors.TransientError("x"), 4),
        (errors.DeadlineExceeded("x"), 5),
        (errors.Cancelled("x", signal_number=signal.SIGINT), 130),
        (errors.Cancelled("x", signal_number=signal.SIGTERM), 143),
    ],
)
def test_each_failure_has_its_exit_code(failure: errors.Failure, code: int) -> None:
    def run() -> dict[str, object]:
        raise failure

    assert _guarded(Job({}, io.StringIO()), "example", run) == code


def test_a_failure_says_what_where_why_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> dict[str, object]:
        raise errors.InputError("no kind", why="It is needed.", do="Add it.", at=errors.Location("a.yaml", 3))

    _guarded(Job({}), "example", run)
    assert capsys.readouterr().out.splitlines() == [
        "✘ no kind",
        "    at a.yaml:3",
        "  Why: It is needed.",
        "  Do:  Add it.",
        "exit 2, input",
    ]


def test_a_bug_shows_frames_but_not_the_text_of_the_exception(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> dict[str, object]:
        raise ValueError("the-" + "password")

    assert _guarded(Job({}), "example", run) == 70
    out = capsys.readouterr().out
    assert "test_cli.py" in out
    assert "ValueError" in out
    assert "the-password" not in out


def test_outputs_are_written_on_failure_too(tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.touch()

    def run() -> dict[str, object]:
        raise errors.RolloutFailed("x", outputs={"changed": ["ConfigMap/a/b"]})

    _guarded(Job({"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output)}), "example", run)
    assert json.dumps(["ConfigMap/a/b"]) in output.read_text()


def test_json_output_holds_no_masks_even_inside_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (tmp_path / "plain.yaml").write_text("a: b")
    arguments = ["decrypt", "--files", str(tmp_path / "plain.yaml"), "--age-key", "AGE-SECRET-KEY-NONE"]
    assert main([*arguments, "--output", "json"]) == 2
    printed = capsys.readouterr()
    assert isinstance(json.loads(printed.out), dict)
    assert "::add-mask::" in printed.err


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help_with_its_inputs(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--output" in capsys.readouterr().out


def test_a_cancelled_action_that_cannot_stop_is_ended_in_time() -> None:
    program = (
        "import os, time\n"
        "from aks_actions import cli\n"
        "from aks_actions.job import Job\n"
        "cli.CANCEL_BUDGET = 0.3\n"
        "print('ready', flush=True)\n"
        "cli._guarded(Job({}), 'example', lambda: time.sleep(30))\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=5) == 130
