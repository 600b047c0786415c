"""decrypt-secrets with files that the real sops encrypted for Vault's transit engine and for AWS KMS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from aks_actions.errors import AuthError
from tests.integration.aws import serving
from tests.integration.openbao import ENGINE, KEY, TOKEN, openbao
from tests.unit.decrypting import SOPS, Workspace

__all__ = ["openbao"]
CANARY = "correct horse battery"
REGION = "eu-central-1"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    workspace = Workspace(tmp_path)
    monkeypatch.chdir(workspace.folder)
    return workspace


def encrypt(workspace: Workspace, *flags: str, **environ: str) -> None:
    (workspace.folder / "secret.env").write_text(f"PASSWORD={CANARY}\n")
    command = [SOPS, "encrypt", "--in-place", *flags, "secret.env"]
    subprocess.run(command, cwd=workspace.folder, check=True, capture_output=True, env={"HOME": "/", **environ})


def test_vaults_address_and_token_are_inputs(workspace: Workspace, openbao: str) -> None:
    encrypt(workspace, "--hc-vault-transit", f"{openbao}/v1/{ENGINE}/keys/{KEY}", VAULT_ADDR=openbao, VAULT_TOKEN=TOKEN)
    given = {"files": "secret.env", "environment": "PASSWORD | PASSWORD"}
    workspace.run(**given, vault_address=openbao, vault_token=TOKEN)
    assert CANARY in workspace.file("ENV")
    assert CANARY not in workspace.log.getvalue()
    with pytest.raises(AuthError, match="no key at hand opens") as caught:
        workspace.run(**given, vault_address=openbao, vault_token="another")
    assert "its policies lack `update`" in caught.value.why


def test_a_vault_that_only_the_file_names_gets_no_token(workspace: Workspace, openbao: str) -> None:
    encrypt(workspace, "--hc-vault-transit", f"{openbao}/v1/{ENGINE}/keys/{KEY}", VAULT_ADDR=openbao, VAULT_TOKEN=TOKEN)
    with pytest.raises(AuthError) as caught:
        workspace.run(files="secret.env", vault_address="https://vault.example.org", vault_token=TOKEN)
    assert "is not an allowed address; no token was sent to it" in caught.value.why


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a job that is logged in to AWS, which is moto's server."""
    with serving() as environ:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        yield environ


def test_aws_is_used_as_the_job_is_logged_in(workspace: Workspace, aws: dict[str, str]) -> None:
    client = botocore.session.Session().create_client("kms", region_name=REGION)
    encrypt(workspace, "--kms", client.create_key()["KeyMetadata"]["Arn"], **aws)
    outputs = workspace.run(files="secret.env", values="PASSWORD | password")
    assert outputs.values == f'{{"password": "{CANARY}"}}'
    assert CANARY not in workspace.log.getvalue()
