"""The command: what goes to standard output, what is left on disk, which exit code, and how fast it starts."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python.cli import main

TEXT = "# about\nuser: admin\nlist:\n    # first\n    - one\n    - two: 2\n"


@pytest.fixture
def secrets(
    encrypt: Callable[..., bytes],
    identity: pyrage.x25519.Identity,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """An encrypted file, and an environment that opens it."""
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "secrets.yaml"
    path.write_bytes(encrypt(TEXT))
    path.chmod(0o640)
    return path


def test_a_file_is_printed(secrets: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["decrypt", str(secrets)]) == 0
    assert capfdbinary.readouterr().out.decode() == TEXT


def test_several_yaml_files_are_printed_as_documents(secrets: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["decrypt", str(secrets), str(secrets)]) == 0
    assert capfdbinary.readouterr().out.decode() == f"{TEXT}---\n{TEXT}"


@pytest.mark.parametrize(
    ("path", "printed"),
    [
        ('["user"]', "admin"),
        ('["list"][0]', "one"),
        ('["list"][1]', "two: 2\n"),
        ("['list'][1]['two']", "2\n"),
    ],
)
def test_one_value_is_extracted(
    secrets: Path, path: str, printed: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["decrypt", "--extract", path, str(secrets)]) == 0
    assert capfdbinary.readouterr().out.decode() == printed


@pytest.mark.parametrize("path", ['["nobody"]', '["list"][2]', "user", "", '["user"][0]'])
def test_a_path_that_leads_nowhere_is_an_input_error(secrets: Path, path: str) -> None:
    assert main(["decrypt", "--extract", path or "[]", str(secrets)]) == 2


def test_in_place_replaces_the_file_and_keeps_its_mode(secrets: Path) -> None:
    assert main(["decrypt", "-i", str(secrets)]) == 0
    assert secrets.read_text() == TEXT
    assert secrets.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in secrets.parent.iterdir()] == ["secrets.yaml"]


def test_a_full_disk_leaves_the_encrypted_file_and_no_plaintext(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = secrets.read_bytes()

    def full(descriptor: int, mode: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fchmod", full)
    assert main(["decrypt", "-i", str(secrets)]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert secrets.read_bytes() == before
    assert [path.name for path in secrets.parent.iterdir()] == ["secrets.yaml"]


def test_exit_codes_tell_the_file_from_the_key(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", str(pyrage.x25519.Identity.generate()))
    assert main(["decrypt", str(secrets)]) == 3
    assert "secrets.yaml: no master key could open the data key\n  - age age1" in capsys.readouterr().err
    (secrets.parent / "plain.yaml").write_text("a: 1\n")
    assert main(["decrypt", str(secrets.parent / "plain.yaml")]) == 2


def test_standard_input_is_read_and_json_written(secrets: Path) -> None:
    command = [sys.executable, "-m", "sops_python", "decrypt", "--output-type", "json"]
    done = subprocess.run(command, stdin=secrets.open("rb"), capture_output=True, check=True)
    assert (
        done.stdout.decode() == '{\n\t"user": "admin",\n\t"list": [\n\t\t"one",\n\t\t{\n\t\t\t"two": 2\n\t\t}\n\t]\n}\n'
    )


def test_neither_azure_nor_re2_nor_requests_is_imported_for_an_age_file(secrets: Path) -> None:
    code = (
        "import sys; from sops_python.cli import main; main(['decrypt', sys.argv[1]]);"
        "print([m for m in ('azure', 're2', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(secrets)], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
