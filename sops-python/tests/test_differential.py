"""Generated files of every format and rule, in both directions: what one encrypts, the other decrypts to the same.

sops is the oracle: it decrypts what we encrypted, we decrypt what it encrypted, and both must say the same, byte for
byte. 400 files a format and 2,000 in all, two sops processes each.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))  # the tests of this distribution are no package
import documents

from sops_python import Creation, FileError, Format, Keyring, MacVerdict, decrypt, encrypt
from sops_python.recipients import from_text
from sops_python.selection import DEFAULT_RULE, Rule, RuleKind

# No shrinking, which would cost two processes a step: a failure is shrunk by hand, with the seed that is printed.
EACH = 400
BOUNDED = settings(
    max_examples=EACH,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
RULES = st.sampled_from(documents.RULES)


class Both:
    """The two of them, on one file of one format and rule."""

    def __init__(self, binary: Path, folder: Path, identity: pyrage.x25519.Identity) -> None:
        self._binary = binary
        self._folder = folder
        self._recipient = str(identity.to_public())
        self._environment = {"HOME": str(folder), "SOPS_AGE_KEY": str(identity)}
        self._keys = Keyring([])

    def folder(self, rule: dict[str, Any]) -> Path:
        """A folder whose `.sops.yaml` has this rule."""
        folder = self._folder / f"rule-{documents.RULES.index(rule)}"
        if not folder.exists():
            folder.mkdir()
            config = {"creation_rules": [{"age": self._recipient, **rule}]}
            (folder / ".sops.yaml").write_text(json.dumps(config))
        return folder

    def sops(self, command: str, data: bytes, file_format: Format, rule: dict[str, Any]) -> bytes:
        done = self._run(command, data, file_format, rule)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def _run(
        self, command: str, data: bytes, file_format: Format, rule: dict[str, Any]
    ) -> subprocess.CompletedProcess[bytes]:
        name = f"file.{'env' if file_format is Format.DOTENV else file_format.value}"
        arguments = [self._binary, command, "--filename-override", name, "--input-type", file_format.value]
        arguments += ["--output-type", file_format.value]
        return subprocess.run(
            arguments, input=data, cwd=self.folder(rule), env=self._environment, capture_output=True, check=False
        )

    def refuses(self, data: bytes, file_format: Format, rule: dict[str, Any]) -> bool:
        return self._run("encrypt", data, file_format, rule).returncode != 0

    def creation(self, rule: dict[str, Any]) -> Creation:
        said = [Rule(kind, rule[kind.value]) for kind in RuleKind if kind.value in rule]
        return Creation(
            groups=(tuple(from_text("age", self._recipient, "the test")),),
            rule=said[0] if said else DEFAULT_RULE,
            mac_only_encrypted=rule.get("mac_only_encrypted", False),
        )


@pytest.fixture(scope="module")
def both(sops_binary: Path, identity: pyrage.x25519.Identity, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return Both(sops_binary, tmp_path_factory.mktemp("both"), identity)


def agree(both: Both, keys: Keyring, data: bytes, file_format: Format, rule: dict[str, Any]) -> None:
    try:
        ours = encrypt(data, both.creation(rule), keys=keys, format=file_format)
    except FileError:
        assert both.refuses(data, file_format, rule)
        return
    printed = both.sops("decrypt", ours, file_format, rule)
    theirs = decrypt(both.sops("encrypt", data, file_format, rule), keys=keys, format=file_format)
    assert theirs.mac is MacVerdict.VERIFIED
    assert theirs.emit() == printed
    assert decrypt(ours, keys=keys, format=file_format).emit() == printed


Keys = Callable[..., Keyring]


@BOUNDED
@given(text=documents.YAML_FILES, rule=RULES)
def test_yaml(both: Both, keys: Keyring, text: str, rule: dict[str, Any]) -> None:
    agree(both, keys, text.encode(), Format.YAML, rule)


@BOUNDED
@given(text=documents.JSON_FILES, rule=RULES)
def test_json(both: Both, keys: Keyring, text: str, rule: dict[str, Any]) -> None:
    agree(both, keys, text.encode(), Format.JSON, rule)


@BOUNDED
@given(text=documents.DOTENV_FILES, rule=RULES)
def test_dotenv(both: Both, keys: Keyring, text: str, rule: dict[str, Any]) -> None:
    agree(both, keys, text.encode(), Format.DOTENV, rule)


@BOUNDED
@given(text=documents.INI_FILES, rule=RULES)
def test_ini(both: Both, keys: Keyring, text: str, rule: dict[str, Any]) -> None:
    agree(both, keys, text.encode(), Format.INI, rule)


@BOUNDED
@given(data=documents.BINARY_FILES, rule=RULES)
def test_binary(both: Both, keys: Keyring, data: bytes, rule: dict[str, Any]) -> None:
    agree(both, keys, data, Format.BINARY, rule)
