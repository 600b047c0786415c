"""bin/run, the only bootstrap: as a step of a job calls it."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MISSING = "input `manifests` is missing"


def run(tools: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "INPUT_", "GITHUB_"))}
    return subprocess.run(
        [ROOT / "bin" / "run", *arguments],
        env={**kept, "RUNNER_TOOL_CACHE": str(tools), **environ},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tool cache in which uv and the locked environment were made once."""
    folder = tmp_path_factory.mktemp("tools")
    assert MISSING in run(folder, "deploy-aks").stdout
    return folder


def test_all_actions_share_one_uv_and_one_environment(tools: Path) -> None:
    run(tools, "build")
    assert sorted(path.name.split("-")[0] for path in (tools / "aks-actions").iterdir()) == ["env", "uv"]


def test_steps_that_start_at_once_leave_one_whole_environment(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: run(tmp_path, "deploy-aks"), range(3)))
    assert [MISSING in each.stdout for each in done] == [True] * 3
    assert sorted(path.name.split("-")[0] for path in (tmp_path / "aks-actions").iterdir()) == ["env", "uv"]


def test_a_killed_start_is_made_good_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "aks-actions" / ".uv.killed").mkdir(parents=True)
    (tmp_path / "aks-actions" / ".env.killed").mkdir()
    assert MISSING in run(tmp_path, "deploy-aks").stdout


def test_the_callers_python_variables_change_nothing(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('hijacked')")
    done = run(tools, "deploy-aks", PYTHONPATH=str(tmp_path), PYTHONSTARTUP="/nowhere", PYTHONHOME="/nowhere")
    assert done.returncode == 2
    assert MISSING in done.stdout


def test_nothing_is_written_to_the_callers_environment(tools: Path, tmp_path: Path) -> None:
    files = {f"GITHUB_{name}": tmp_path / name for name in ("ENV", "PATH", "STATE")}
    for path in files.values():
        path.touch()
    run(tools, "deploy-aks", GITHUB_ACTIONS="true", **{name: str(path) for name, path in files.items()})
    assert [path.read_text() for path in files.values()] == ["", "", ""]


def test_without_a_python_it_says_what_to_install(tmp_path: Path) -> None:
    for name in ("bash", "mkdir", "sha256sum"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    (tmp_path / "python3").symlink_to("/bin/false")  # as one without pip would answer
    done = run(tmp_path / "tools", "deploy-aks", PATH=str(tmp_path))
    assert done.returncode == 2
    assert "no Python 3 with pip" in done.stderr


def test_a_venv_without_pip_that_is_activated_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to("/bin/false")
    assert MISSING in run(tmp_path / "tools", "deploy-aks", PATH=f"{tmp_path}:{os.environ['PATH']}").stdout


def test_without_an_index_it_says_what_is_not_reached(tmp_path: Path) -> None:
    done = run(tmp_path, "deploy-aks", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert done.returncode == 2
    assert "can't be installed" in done.stderr
    assert not list(tmp_path.glob("aks-actions/uv-*"))


def test_an_unknown_action_is_answered_with_those_that_exist(tools: Path) -> None:
    done = run(tools, "deploy")
    assert done.returncode == 2
    assert "deploy-aks" in done.stderr


def test_a_tool_cache_that_cannot_be_written_is_left_for_the_users_own(tmp_path: Path) -> None:
    (tmp_path / "tools").write_text("a file, where a folder should be")
    done = run(tmp_path / "tools", "deploy-aks", XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert MISSING in done.stdout
    assert (tmp_path / "cache" / "aks-actions").is_dir()
