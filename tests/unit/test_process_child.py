"""Child processes: their output as it comes, and their end in every case."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aks_actions.errors import Cancelled, DeadlineExceeded
from aks_actions.process import child, git

PYTHON = sys.executable


def run(
    code: str, *, timeout: float = 20, check: Callable[[], None] = lambda: None, **environment: str
) -> tuple[int, list[str]]:
    lines: list[str] = []
    status = child.run([PYTHON, "-c", code], environment=environment, line=lines.append, check=check, timeout=timeout)
    return status, lines


def ends(pid: int) -> bool:
    """Whether the process is gone within a second, in which its new parent reaps it."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_lines_of_both_streams_arrive_and_the_exit_code_is_returned() -> None:
    status, lines = run("import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(7)")
    assert (status, lines) == (7, ["out", "err"])


def test_the_environment_is_exactly_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PARENT", "1")
    _, lines = run("import os; print(os.environ.get('OF_THE_PARENT'), os.environ['GIVEN'])", GIVEN="yes")
    assert lines == ["None yes"]


def test_a_last_line_without_newline_and_bytes_that_are_no_text_are_passed_on() -> None:
    _, lines = run(r"import sys; sys.stdout.buffer.write(b'a\r\n\xff b')")
    assert lines == ["a", "\ufffd b"]


def test_a_line_without_end_is_passed_on_in_parts() -> None:
    _, lines = run("print('x' * 300_000)")
    assert len(lines) > 1
    assert "".join(lines) == "x" * 300_000


def test_after_the_timeout_no_process_of_the_group_lives() -> None:
    code = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    lines: list[str] = []
    with pytest.raises(DeadlineExceeded):
        child.run([PYTHON, "-c", code], environment=os.environ, line=lines.append, check=lambda: None, timeout=1.5)
    assert ends(int(lines[0]))


def test_a_cancelled_child_that_ignores_term_is_killed_after_the_grace() -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    seen: list[str] = []

    def check() -> None:
        if seen:
            raise Cancelled("the run was cancelled")

    began = time.monotonic()
    with pytest.raises(Cancelled):
        child.run([PYTHON, "-c", code], environment={}, line=seen.append, check=check, timeout=30)
    assert child.GRACE <= time.monotonic() - began < child.GRACE + 2


def test_output_that_a_grandchild_holds_open_is_not_waited_for() -> None:
    began = time.monotonic()
    status, lines = run("import subprocess; subprocess.Popen(['/bin/sleep', '30']); print('done')")
    assert (status, lines) == (0, ["done"])
    assert time.monotonic() - began < 5


def test_a_program_that_does_not_exist_is_an_error_of_the_caller() -> None:
    with pytest.raises(FileNotFoundError):
        child.run(["/nowhere/program"], environment={}, line=print, check=lambda: None, timeout=1)


def test_git_tells_the_commit_and_its_time(tmp_path: Path) -> None:
    when = "1700000000 +0000"
    identity = {
        **{f"GIT_{who}_{what}": "a@example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_AUTHOR_DATE": when,
        "GIT_COMMITTER_DATE": when,
    }
    environ = {**os.environ, **identity}
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], env=environ, check=True)
    found = git.head(tmp_path, environ)
    assert len(found.commit) == 40
    assert found.time == 1_700_000_000


def test_a_folder_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    environ = {**os.environ, "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}
    assert git.head(tmp_path, environ) == git.Head("", None)
    assert git.head(tmp_path, {"PATH": ""}) == git.Head("", None)
