"""Workflow commands and files, as the runner will read them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from aks_actions.errors import InputError, Location
from aks_actions.github.commands import SUMMARY_LIMIT, Commands
from aks_actions.job import Job


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    files = {f"GITHUB_{name}": str(tmp_path / name) for name in ("OUTPUT", "ENV", "STEP_SUMMARY")}
    for path in files.values():
        Path(path).touch()
    return {"GITHUB_ACTIONS": "true", **files}


def test_an_output_of_many_lines_cannot_forge_another(environ: dict[str, str]) -> None:
    Commands(environ).set_output("image", "a\nEOF\nother=1")
    first, *middle, last = Path(environ["GITHUB_OUTPUT"]).read_text().splitlines()
    assert first == f"image<<{last}"
    assert middle == ["a", "EOF", "other=1"]


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "BASH_ENV", "GITHUB_TOKEN", "NODE_OPTIONS"])
def test_variables_that_change_later_steps_are_refused(environ: dict[str, str], name: str) -> None:
    with pytest.raises(InputError, match=name):
        Commands(environ).export(name, "x")
    assert Path(environ["GITHUB_ENV"]).read_text() == ""


def test_a_name_with_a_newline_is_no_variable(environ: dict[str, str]) -> None:
    with pytest.raises(InputError):
        Commands(environ).export("A\nB", "x")


def test_a_summary_over_the_limit_is_cut_not_lost(environ: dict[str, str]) -> None:
    Commands(environ).summary("# head\n" + "x" * 70 + "\n" * SUMMARY_LIMIT)
    written = Path(environ["GITHUB_STEP_SUMMARY"]).read_bytes()
    assert written.startswith(b"# head")
    assert len(written) <= SUMMARY_LIMIT
    assert b"(cut:" in written


def test_an_annotation_names_file_line_and_column(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    Commands(environ).annotate("error", "bad\nimage", Location("k8s/a.yaml", 3, 5))
    assert capsys.readouterr().out == "::error file=k8s/a.yaml,line=3,col=5::bad%0Aimage\n"


def test_outside_of_a_runner_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = Commands({"GITHUB_OUTPUT": str(tmp_path / "output")})
    commands.set_output("a", "b")
    commands.mask("secret")
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    "text", ["::set-output name=a::b", "  ::add-mask::x", "all ##[error]x", "x\r::stop-commands::t", "x\r\n::error::t"]
)
def test_printed_text_is_never_a_command(environ: dict[str, str], text: str) -> None:
    stream = io.StringIO(newline="")
    Job(environ, stream).log.line(text)
    lines = stream.getvalue().replace("\r", "\n").splitlines()  # as the runner reads
    assert not [line for line in lines if line.strip().startswith("::")]
    assert "##[" not in stream.getvalue()


def test_foreign_output_stands_between_stop_and_resume(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(environ)
    job.log.stream = io.StringIO()
    job.log.folded("Events", "::error::theirs")
    group, stop, resume, end = capsys.readouterr().out.splitlines()
    assert (group, end) == ("::group::Events", "::endgroup::")
    assert resume == f"::{stop.removeprefix('::stop-commands::')}::"


def test_a_masked_value_is_not_shown_by_our_own_log_either() -> None:
    stream = io.StringIO()
    job = Job({}, stream)
    assert job.mask({"password": "correct horse", "pin": "12"}) == ["a value of 2 characters is too short to be masked"]
    job.log.line("the password is correct horse")
    assert stream.getvalue() == "the password is ***\n"


def test_a_masked_value_stands_in_no_summary_and_no_annotation(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(environ, io.StringIO())
    job.mask("correct horse")
    capsys.readouterr()
    job.commands.summary("the password is correct horse")
    job.commands.annotate("error", "correct horse")
    assert Path(environ["GITHUB_STEP_SUMMARY"]).read_text() == "the password is ***\n"
    assert capsys.readouterr().out == "::error::***\n"
