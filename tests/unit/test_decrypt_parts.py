"""Which files, and how plaintext is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aks_actions.actions.decrypting import files, sources
from aks_actions.errors import Failure, InputError, TransientError


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "workspace"
    (home / "k8s" / "deep").mkdir(parents=True)
    for name in ("k8s/b.yaml", "k8s/a.yaml", "k8s/deep/c.yaml"):
        (home / name).write_text(name)
    monkeypatch.chdir(home)
    return home


def test_globs_find_files_in_order_and_each_once(workspace: Path) -> None:
    found = sources.read(["k8s/*.yaml", "k8s/**/*.yaml", "k8s/a.yaml"]).sources
    assert [source.path for source in found] == ["k8s/a.yaml", "k8s/b.yaml", "k8s/deep/c.yaml"]
    assert found[0].data == b"k8s/a.yaml"


@pytest.mark.parametrize("pattern", ["nope.yaml", "*.nope"])
def test_a_pattern_that_finds_no_file_is_refused(workspace: Path, pattern: str) -> None:
    with pytest.raises(InputError, match="finds no file"):
        sources.read([pattern])


def test_files_outside_of_the_workspace_are_written_below_the_output_folder(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text("x")
    (found,) = sources.read([str(tmp_path / "outside.yaml")]).sources
    assert found.below == Path("outside.yaml")
    with pytest.raises(InputError, match="outside"):
        sources.read(["../outside.yaml"])


def test_two_files_with_one_target_are_refused(workspace: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.yaml").write_text(folder)
    with pytest.raises(InputError, match="same file"):
        sources.read([str(tmp_path / "*" / "same.yaml")])


ENVELOPE = "ENC[AES256_GCM,data:YQ==,iv:YQ==,tag:YQ==,type:str]"


def test_a_folder_means_all_that_is_encrypted_below_it(workspace: Path) -> None:
    (workspace / "k8s" / "deep" / ".env").write_text(f"A={ENVELOPE}\n")
    (workspace / "k8s" / "secret.yaml").write_text(f"a: {ENVELOPE}\n")
    (workspace / "k8s" / ".sops.yaml").write_text(f"a: {ENVELOPE}\n")
    found = sources.read(["k8s"])
    assert [source.path for source in found.sources] == ["k8s/secret.yaml", "k8s/deep/.env"]
    assert found.plain == 3


def test_a_folder_without_an_encrypted_file_is_refused(workspace: Path) -> None:
    with pytest.raises(InputError, match="without an encrypted file"):
        sources.read(["k8s"])


def test_a_folder_may_hold_large_files_pipes_and_dangling_links_beside_secrets(workspace: Path) -> None:
    folder = workspace / "k8s"
    (folder / "secret.yaml").write_text(f"a: {ENVELOPE}\n")
    (folder / "video").write_bytes(bytes(sources.MIB + 1))
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    assert [source.path for source in sources.read(["k8s"], limit=sources.MIB).sources] == ["k8s/secret.yaml"]
    (folder / "large.yaml").write_bytes(b"#" * sources.MIB + f"\na: {ENVELOPE}\n".encode())
    with pytest.raises(InputError, match=r"large\.yaml is larger"):
        sources.read(["k8s"], limit=sources.MIB)


def test_a_glob_finds_no_hidden_file_that_it_does_not_name(workspace: Path) -> None:
    (workspace / ".sops.yaml").write_text("creation_rules: []\n")
    (workspace / "a.yaml").write_text("x")
    assert [source.path for source in sources.read(["*.yaml"]).sources] == ["a.yaml"]


@pytest.mark.parametrize("pattern", ["k8s/*.yaml", "k8s/link.yaml", "k8s"])
def test_a_symlink_that_leads_out_of_the_tree_is_refused(workspace: Path, tmp_path: Path, pattern: str) -> None:
    (tmp_path / "outside.yaml").write_text(f"a: {ENVELOPE}\n")
    (workspace / "k8s" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(InputError, match="leads out of") as caught:
        sources.read([pattern])
    assert str(caught.value.at) == "k8s/link.yaml"


def test_a_folder_that_is_a_symlink_out_of_the_tree_is_refused(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.yaml").write_text(f"a: {ENVELOPE}\n")
    (workspace / "linked").symlink_to(tmp_path / "elsewhere")
    for pattern in ("linked", "linked/x.yaml", "*/x.yaml"):
        with pytest.raises(InputError, match="leads out of"):
            sources.read([pattern])


def test_a_symlink_inside_of_the_tree_is_read(workspace: Path) -> None:
    (workspace / "alias.yaml").symlink_to("k8s/a.yaml")
    (found,) = sources.read(["alias.yaml"]).sources
    assert found.data == b"k8s/a.yaml"


def test_a_file_over_the_limit_is_refused_by_its_name(workspace: Path) -> None:
    (workspace / "large.yaml").write_bytes(b"x" * (sources.MIB + 1))
    with pytest.raises(InputError, match="larger than 1 MiB") as caught:
        sources.read(["large.yaml"], limit=sources.MIB)
    assert "max-size" in caught.value.do


@pytest.mark.parametrize(
    ("name", "data", "override", "expected"),
    [
        ("a.yaml", b"", "", "yaml"),
        ("a.json", b"{", "", "json"),
        ("a.json", b"{", "binary", "binary"),
        ("app.enc.yaml", b"", "", "yaml"),
        ("app.env.enc", b"", "", "dotenv"),
        (".env", b"", "", "dotenv"),
        (".env.production", b"a=1\nsops_version=3", "", "dotenv"),
        ("settings.ini", b"", "", "ini"),
        ("tls.key", b"{", "", "binary"),
        ("tls.key.sops", b"{", "", "binary"),
        ("unknown.conf", b"a: b", "", "yaml"),
    ],
)
def test_a_files_format_is_told_by_its_extension(name: str, data: bytes, override: str, expected: str) -> None:
    assert sources.format_for(name, data, override).value == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.sops.yaml", "app.yaml"),
        ("tls.key.enc", "tls.key"),
        ("app.env", "app.env"),
        (".env", ".env"),
        ("a.encrypted.json", "a.json"),
    ],
)
def test_a_name_loses_what_says_that_it_is_encrypted(name: str, expected: str) -> None:
    assert sources.stem(name) == expected


def test_a_shredded_file_is_gone_and_was_overwritten(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"secret" * 300_000)
    os.link(tmp_path / "x", tmp_path / "witness")  # the same blocks
    seen = (tmp_path / "witness").open("rb")
    assert files.shred(tmp_path / "x")
    assert b"secret" not in seen.read()
    assert not (tmp_path / "x").exists()
    assert not files.shred(tmp_path / "x")


def test_a_symlink_in_the_place_of_a_file_is_not_followed_by_the_shredder(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "x").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError):
        files.shred(tmp_path / "x")
    assert (tmp_path / "mine").read_text() == "mine"


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
