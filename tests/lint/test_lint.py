"""Every checker of the house, each as one test: what it says is shown when it fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def tracked(*patterns: str) -> list[str]:
    """Files that git knows or would add, so that a new file is checked before it is committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]


def check(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"


def test_ruff_finds_no_fault_in_the_code() -> None:
    check(BIN / "ruff", "check", "--no-cache")


def test_ruff_would_format_nothing_anew() -> None:
    check(BIN / "ruff", "format", "--check", "--no-cache")


def test_mypy_strict_passes() -> None:
    check(BIN / "mypy")


def test_rooms_import_only_what_is_below_them() -> None:
    check(BIN / "lint-imports", "--no-cache")


def test_shellcheck_finds_no_fault_in_the_scripts() -> None:
    scripts = [name for name in tracked("bin/*", ".ci/run", "*.sh") if name]
    assert scripts
    check(BIN / "shellcheck", *scripts)


def test_actionlint_finds_no_fault_in_the_workflows(world_tools: Path) -> None:
    check(world_tools / "actionlint", "-shellcheck", str(BIN / "shellcheck"))


def test_zizmor_finds_no_fault_in_workflows_and_actions() -> None:
    check(BIN / "zizmor", "--offline", "--no-progress", ".github", "actions")


def test_no_file_is_longer_than_300_lines() -> None:
    long = {name: n for name in tracked("*.py") if (n := len((ROOT / name).read_text().splitlines())) > 300}
    assert not long


@pytest.mark.parametrize("word", ["/" + "work/", "/" + "root/"])
def test_no_file_names_a_path_of_one_machine(word: str) -> None:
    names = [name for name in tracked("*") if not name.startswith("uv.lock")]
    found = [name for name in names if word.encode() in (ROOT / name).read_bytes()]
    assert not found


def test_all_the_tools_are_here() -> None:
    assert [
        name
        for name in ("ruff", "mypy", "lint-imports", "shellcheck", "zizmor", "act", "sops", "kubectl")
        if not (BIN / name).exists()
    ] == []
    assert shutil.which("git")
