"""Which files, which values, and how plaintext is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aks_actions.actions.decrypting import files, sources, variables
from aks_actions.actions.decrypting.variables import Wanted
from aks_actions.errors import Failure, InputError, TransientError

DOCUMENTS = [
    (
        "a.yaml",
        {"db": {"password": "hunter2", "port": 5432, "tls": True, "empty": None}, "tls.key": "pem", "list": [{"n": 1}]},
    ),
    ("b.yaml", {"other": "value", "db": {"only": "b"}, "raw": b"\xff"}),
]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("db.password", "hunter2"),
        ("db.port", "5432"),
        ("db.tls", "true"),
        ("tls.key", "pem"),
        ("list.0.n", "1"),
        ("db.only", "b"),
        ("raw", "/w=="),
    ],
)
def test_a_path_finds_its_value_in_any_document(path: str, value: str) -> None:
    assert variables.select(Wanted(path, "NAME"), DOCUMENTS) == value


@pytest.mark.parametrize(
    ("path", "telling"),
    [
        ("db.passwort", "no decrypted file has"),
        ("list.7.n", "no decrypted file has"),
        ("db.password.x", "no decrypted file has"),
        ("list", "a list"),
        ("db.empty", "null"),
        ("db", "more than one document"),
    ],
)
def test_a_path_that_is_no_single_value_is_refused(path: str, telling: str) -> None:
    with pytest.raises(InputError, match=telling) as caught:
        variables.select(Wanted(path, "NAME"), DOCUMENTS)
    assert "hunter2" not in str(vars(caught.value))


@pytest.mark.parametrize("line", ["a.b", "a.b |", "| NAME", "a.b | NO-NAME", "a.b | A | B"])
def test_a_line_that_maps_nothing_is_refused(line: str) -> None:
    with pytest.raises(InputError):
        variables.parse([line])


def test_a_name_is_given_once() -> None:
    assert variables.parse(["a | A", "b|B"]) == [Wanted("a", "A"), Wanted("b", "B")]
    with pytest.raises(InputError, match="twice"):
        variables.parse(["a | A", "b | A"])


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "workspace"
    (home / "k8s" / "deep").mkdir(parents=True)
    for name in ("k8s/b.yaml", "k8s/a.yaml", "k8s/deep/c.yaml"):
        (home / name).write_text(name)
    monkeypatch.chdir(home)
    return home


def test_globs_find_files_in_order_and_each_once(workspace: Path) -> None:
    found = sources.read(["k8s/*.yaml", "k8s/**/*.yaml", "k8s/a.yaml"])
    assert [source.path for source in found] == ["k8s/a.yaml", "k8s/b.yaml", "k8s/deep/c.yaml"]
    assert found[0].data == b"k8s/a.yaml"


@pytest.mark.parametrize("pattern", ["nope.yaml", "*.nope", "k8s"])
def test_a_pattern_that_finds_no_file_is_refused(workspace: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="finds no file"):
        sources.read([pattern])


def test_files_outside_of_the_workspace_are_written_below_the_output_folder(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("x")
    (found,) = sources.read([str(tmp_path / "outside.yaml")])
    assert found.below == Path("outside.yaml")
    with pytest.raises(InputError, match="outside"):
        sources.read(["../outside.yaml"])


def test_two_files_with_one_target_are_refused(workspace: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yaml").write_text(folder)
    with pytest.raises(InputError, match="same file"):
        sources.read([str(tmp_path / "*" / "same.yaml")])


def test_plaintext_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    target = files.write(tmp_path / "out", Path("a/b/c.yaml"), b"secret")
    assert target.read_bytes() == b"secret"
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_that_others_could_read_is_replaced_by_a_private_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o644)
    assert files.write(tmp_path, Path("x"), b"new").stat().st_mode & 0o777 == 0o600


def test_a_symlink_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    (tmp_path / "public").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "public")
    with pytest.raises(InputError, match="symlink"):
        files.write(tmp_path / "out", Path("x"), b"secret")
    assert (tmp_path / "public").read_text() == "mine"


def test_a_folder_that_is_a_symlink_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="symlink"):
        files.write(tmp_path / "out", Path("a/x"), b"secret")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def onto_a_full_disk(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        file = real(path, flags, mode, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            full = real("/dev/full", os.O_WRONLY)
            os.dup2(full, file)
            os.close(full)
        return file

    monkeypatch.setattr(os, "open", onto_a_full_disk)
    monkeypatch.setattr(os, "fchmod", lambda *_: None)  # /dev/full keeps its mode
    with pytest.raises(Failure) as caught:
        files.write(tmp_path, Path("x"), b"secret" * 10_000)
    assert type(caught.value) is TransientError
    assert list(tmp_path.iterdir()) == []
