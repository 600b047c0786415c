"""decrypt-secrets as a step of a job: what later steps get of it, what is in the cluster, and what cleanup leaves."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from local.demo.pipeline import run
from tests.conftest import Kubectl
from tests.e2e.step import AZURE, ROOT, step

pytestmark = pytest.mark.usefixtures("world")
CANARY = "canary-of-the-e2e-4711"
WORKFLOW = """
on: workflow_dispatch
jobs:
  secrets:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
      - id: secrets
        uses: ./actions/decrypt-secrets
        with:
          files: {file}
          age-key: {key}
          environment: API_KEY | SHOP_API_KEY
          values: API_KEY | key
          output-directory: ${{{{ runner.temp }}}}/plain
      - run: printf %s "$SHOP_API_KEY$KEY" | sha256sum; cat "$DIRECTORY"/*.env | sha256sum
        env:
          KEY: ${{{{ fromJSON(steps.secrets.outputs.values).key }}}}
          DIRECTORY: ${{{{ steps.secrets.outputs.directory }}}}
      - run: exit 3
      - if: always()
        uses: ./actions/decrypt-secrets/cleanup
      - if: always()
        run: echo "left [$SHOP_API_KEY] [$(ls "$DIRECTORY" 2>/dev/null)]"
        env:
          DIRECTORY: ${{{{ runner.temp }}}}/plain
"""


@pytest.fixture
def encrypted(tmp_path: Path) -> tuple[Path, str]:
    """A dotenv file that the real sops encrypted, and the age key that opens it."""
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "shop.env"
    path.write_text(f"API_KEY={CANARY}\nMODE=production-mode\n")
    command = [Path(sys.executable).with_name("sops"), "encrypt", "-i", "--age", str(identity.to_public()), path]
    subprocess.run(command, check=True, capture_output=True)
    return path, str(identity)


def sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def test_later_steps_get_values_and_files_and_nothing_is_left_after_the_cleanup_of_a_failed_job(
    encrypted: tuple[Path, str], tmp_path: Path
) -> None:
    path, key = encrypted
    workflow = tmp_path / "secrets.yml"
    workflow.write_text(WORKFLOW.format(file=path, key=key))
    result = run(ROOT, "workflow_dispatch", workflow=str(workflow), subject=None)
    assert result.code != 0
    assert sha256(CANARY + CANARY) in result.log, result.log[-3000:]
    assert sha256(f"API_KEY={CANARY}\nMODE=production-mode\n") in result.log
    assert "left [] []" in result.log
    assert CANARY not in result.log
    assert base64.b64encode(CANARY.encode()).decode() not in result.log


def test_values_become_a_secret_of_the_cluster_and_a_second_run_changes_nothing(
    encrypted: tuple[Path, str], subject: str, namespace: str, kubectl: Kubectl
) -> None:
    path, key = encrypted
    inputs = {**AZURE, "files": str(path), "age-key": key, "kubernetes": "apply", "secret-name": "shop-env"}
    for _ in range(2):
        code, log = step("decrypt-secrets", {**inputs, "namespace": namespace}, subject)
        assert code == 0, log
        said = "\n".join(line for line in log.splitlines() if not line.startswith("::add-mask::"))
        assert CANARY not in said
    assert "unchanged" in log
    read = ("get", "secret", "shop-env", "--namespace", namespace, "--output", "jsonpath={.data.API_KEY}")
    assert base64.b64decode(kubectl(*read)).decode() == CANARY


def test_a_secret_that_the_server_refuses_is_told_and_nothing_is_applied(
    encrypted: tuple[Path, str], subject: str, namespace: str, kubectl: Kubectl
) -> None:
    path, key = encrypted
    inputs = {**AZURE, "files": str(path), "age-key": key, "kubernetes": "apply", "secret-name": "Not_A_Name"}
    code, log = step("decrypt-secrets", {**inputs, "namespace": namespace}, subject)
    assert code == 2, log
    assert "Not_A_Name" in log
    assert kubectl("get", "secrets", "--namespace", namespace, "--output", "name") == ""
