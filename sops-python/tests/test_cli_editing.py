"""`edit`: what is saved, what is left alone, and that the plaintext was private and is gone, however it ends."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python.cli import main

PLAIN = "user: admin\nlist:\n    # first\n    - one\npassword: hunter2\n"
Sops = Callable[..., bytes]


@pytest.fixture
def home(identity: pyrage.x25519.Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOPS_AGE_KEY", str(identity))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def secrets(home: Path, encrypt: Callable[..., bytes]) -> Path:
    """A file that the real sops encrypted."""
    path = home / "secrets.yaml"
    path.write_bytes(encrypt(PLAIN))
    return path


def envelopes(path: Path) -> list[str]:
    return re.findall(r"ENC\[AES256_GCM,data:[^\]]+\]", path.read_text().partition("\nsops:")[0])


def editor(folder: Path, program: str) -> str:
    """An editor that is a Python program; `text` is what it reads and writes, `path` the file."""
    path = folder / "editor.py"
    path.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        f"text = path.read_text()\n{program}\npath.write_text(text)\n"
    )
    return f"{sys.executable} {path}"


def test_an_edited_value_is_saved_and_the_plaintext_was_private(
    secrets: Path, sops: Sops, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = envelopes(secrets)
    note = "pathlib.Path('note').write_text(f'{path} {path.stat().st_mode:o} {path.parent.stat().st_mode:o}')"
    monkeypatch.setenv("EDITOR", editor(secrets.parent, f"{note}\ntext = text.replace('hunter2', 'correct horse')"))
    assert main(["edit", "secrets.yaml"]) == 0
    printed = sops("decrypt", text=secrets.read_bytes()).decode()
    assert printed == PLAIN.replace("hunter2", "correct horse")
    assert len(set(before) & set(envelopes(secrets))) == len(before) - 1
    path, file_mode, folder_mode = Path("note").read_text().split()
    assert stat.S_IMODE(int(file_mode, 8)) == 0o600
    assert stat.S_IMODE(int(folder_mode, 8)) == 0o700
    assert not Path(path).parent.exists()


def test_a_file_that_was_not_changed_is_left_alone_with_sopss_code(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = secrets.read_bytes()
    monkeypatch.setenv("SOPS_EDITOR", "true")
    assert main(["edit", "secrets.yaml"]) == 200
    assert secrets.read_bytes() == before


@pytest.mark.parametrize("program", ["text = 'a: ['", "raise SystemExit(3)"])
def test_a_broken_edit_saves_nothing(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = secrets.read_bytes()
    monkeypatch.setenv("EDITOR", editor(secrets.parent, program))
    assert main(["edit", "secrets.yaml"]) == 2
    assert "hunter2" not in capsys.readouterr().err
    assert secrets.read_bytes() == before


def test_a_new_file_is_made_by_editing(
    home: Path, sops: Sops, identity: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", editor(home, "text = 'a: new\\n'"))
    assert main(["edit", "--age", str(identity.to_public()), "new.yaml"]) == 0
    assert sops("decrypt", text=(home / "new.yaml").read_bytes()).decode() == "a: new\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_edit_that_is_ended_from_outside_leaves_no_plaintext(secrets: Path, number: signal.Signals) -> None:
    before = secrets.read_bytes()
    program = f"import os; pathlib.Path('note').write_text(str(path)); os.kill(os.getppid(), {number:d}); text += 'x'"
    environ = {**os.environ, "EDITOR": editor(secrets.parent, program)}
    command = [sys.executable, "-m", "sops_python", "edit", "secrets.yaml"]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=30)
    assert done.returncode == 128 + number
    assert not Path(Path("note").read_text()).parent.exists()
    assert secrets.read_bytes() == before
