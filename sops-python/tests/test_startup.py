"""What a start costs: in CI a process decrypts a few small files, and importing would be most of its work."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage

# None of these is needed for an age file as sops writes it; each costs 1 to 80 ms.
HEAVY = """
    yaml dataclasses inspect pathlib json decimal threading tempfile shutil subprocess urllib.parse base64 glob
    importlib.metadata concurrent.futures requests botocore azure google pysequoia re2
"""
PROGRAM = """
import sys
before = set(sys.modules)
from sops_python.cli import main
code = main(["decrypt", sys.argv[1]])
print(*(set(sys.modules) - before), file=sys.stderr)
sys.exit(code)
"""


def test_decrypting_an_age_file_imports_nothing_that_it_does_not_need(
    encrypt: Callable[..., bytes], identity: pyrage.x25519.Identity, tmp_path: Path
) -> None:
    path = tmp_path / "secret.yaml"
    path.write_bytes(encrypt('a: 1\nb: [x, {c: 1.5}]\n# comment\nd: "two\\nlines"\n'))
    environ = {"HOME": str(tmp_path), "PATH": os.environ.get("PATH", ""), "SOPS_AGE_KEY": str(identity)}
    command = [sys.executable, "-c", PROGRAM, str(path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("a: 1\n")
    assert set(done.stderr.split()) & set(HEAVY.split()) == set()
