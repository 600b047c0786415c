"""`exec-env`, `exec-file`, `filestatus`, folders and globs, and old ways of calling."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python.cli import COMMANDS, main

Encrypt = Callable[..., bytes]


@pytest.fixture
def home(identity: pyrage.x25519.Identity, encrypt: Encrypt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_bytes(encrypt("USER_NAME: admin\nPORT: 5432\nDEBUG: true\nRATIO: 1.50\n"))
    return tmp_path


def test_values_are_the_commands_environment_as_sops_writes_them(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec-env", "a.yaml", 'echo "$USER_NAME $PORT $DEBUG $RATIO"; exit 7']) == 7
    assert capfd.readouterr().out == "admin 5432 true 1.5\n"


def test_a_pristine_environment_has_nothing_else(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec-env", "--pristine", "a.yaml", 'echo "${HOME:-none}"']) == 0
    assert capfd.readouterr().out == "none\n"


@pytest.mark.parametrize("text", ["a: {b: 1}\n", "'no-name': 1\n"])
def test_what_can_be_no_variable_is_refused(home: Path, encrypt: Encrypt, text: str) -> None:
    (home / "odd.yaml").write_bytes(encrypt(text))
    assert main(["exec-env", "odd.yaml", "true"]) == 2


@pytest.mark.parametrize("flags", [[], ["--no-fifo"]])
def test_a_command_reads_the_plaintext_file_which_is_gone_afterwards(
    home: Path, capfd: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert main(["exec-file", *flags, "--filename", "x.yaml", "a.yaml", "cat {}; echo {}"]) == 0
    *content, path = capfd.readouterr().out.splitlines()
    assert content[0] == "USER_NAME: admin"
    assert path.endswith("/x.yaml")
    assert not Path(path).parent.exists()


def test_a_command_that_does_not_read_the_pipe_leaves_nothing(home: Path) -> None:
    assert main(["exec-file", "a.yaml", "exit 3 # {}"]) == 3


def test_the_status_of_a_file_is_json(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (home / "plain.yaml").write_text("a: 1\n")
    assert main(["filestatus", "a.yaml"]) == main(["filestatus", "plain.yaml"]) == 0
    assert capfd.readouterr().out == '{"encrypted":true}\n{"encrypted":false}\n'


def test_a_folder_is_decrypted_as_a_tree_and_what_is_not_encrypted_is_passed_over(home: Path, encrypt: Encrypt) -> None:
    for name in ("tree/one.yaml", "tree/deep/two.json", "tree/.git/three.yaml"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        text = '{"b": 2}' if name.endswith("json") else "b: 2\n"
        (home / name).write_bytes(encrypt(text, Path(name).name))
    (home / "tree" / "plain.yaml").write_text("c: 3\n")
    assert main(["decrypt", "--output-dir", "out", "tree"]) == 0
    written = {str(path.relative_to("out")): path.stat().st_mode & 0o777 for path in Path("out").rglob("*.*")}
    assert written == {"one.yaml": 0o600, "deep/two.json": 0o600}
    assert Path("out/one.yaml").read_text() == "b: 2\n"


def test_globs_are_expanded_and_one_without_a_match_is_an_error(
    home: Path, encrypt: Encrypt, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / "b.yaml").write_bytes(encrypt("b: 2\n"))
    assert main(["decrypt", "[ab].yaml"]) == 0
    assert capfd.readouterr().out.endswith("---\nb: 2\n")
    assert main(["decrypt", "z*.yaml"]) == 2


def test_a_symlink_out_of_a_folder_is_refused_and_nothing_written(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / "tree").mkdir()
    (home / "tree" / "link.yaml").symlink_to(home / "a.yaml")
    assert main(["decrypt", "--output-dir", "out", "tree"]) == 2
    assert "leads out of tree" in capfd.readouterr().err
    assert not Path("out").exists()


def test_a_large_encrypted_file_of_a_folder_is_told_and_a_large_plain_one_passed_over(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (home / "tree").mkdir()
    (home / "tree" / "plain.bin").write_bytes(bytes(6 << 20))
    (home / "tree" / "a.yaml").write_bytes((home / "a.yaml").read_bytes())
    assert main(["decrypt", "--output-dir", "out", "tree"]) == 0
    assert [path.name for path in Path("out").iterdir()] == ["a.yaml"]
    (home / "tree" / "big.yaml").write_bytes((home / "a.yaml").read_bytes() + b"#" * (6 << 20))
    assert main(["decrypt", "--output-dir", "out2", "tree"]) == 2
    assert "tree/big.yaml: larger than" in capfd.readouterr().err
    assert not Path("out2").exists()


def test_of_many_files_all_or_none_are_written(home: Path, encrypt: Encrypt) -> None:
    for name in ("a.yaml", "b.yaml"):
        (home / "tree").mkdir(exist_ok=True)
        (home / "tree" / name).write_bytes(encrypt("b: 2\n"))
    (home / "out" / "b.yaml").mkdir(parents=True)  # nothing can be written there
    assert main(["decrypt", "--output-dir", "out", "tree"]) == 2
    assert [path.name for path in Path("out").iterdir()] == ["b.yaml"]


def test_nothing_is_written_where_one_of_many_files_fails_and_all_failures_are_told(
    home: Path, encrypt: Encrypt, capfd: pytest.CaptureFixture[str]
) -> None:
    good = encrypt("b: secret-2\n")
    (home / "b.yaml").write_bytes(good)
    (home / "c.yaml").write_bytes(good.replace(b"ENC[", b"ENC[x", 1))
    (home / "d.yaml").write_bytes(good.replace(b"data:", b"data:AAAA", 1))
    assert main(["decrypt", "-i", "b.yaml", "c.yaml", "d.yaml"]) == 2
    message = capfd.readouterr().err
    assert "c.yaml: " in message
    assert "d.yaml: " in message
    assert "secret-2" not in message
    assert (home / "b.yaml").read_bytes() == good


def test_sopss_old_flags_are_understood(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["-d", "a.yaml"]) == 0
    assert "USER_NAME: admin" in capfd.readouterr().out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_tells_its_flags(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [command, "add", "--help"] if command == "groups" else [command, "--help"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 0
    assert "usage: sops-python" in capsys.readouterr().out


def test_an_unknown_command_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish"]) == 2
    assert "there is no such command" in capsys.readouterr().err
    assert main(["--help"]) == 0
