"""SOPS files that only Key Vault opens, as the identity of a GitHub job."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aks_actions.actions import secrets
from aks_actions.actions.keys import Given
from aks_actions.actions.secrets import Sealed
from aks_actions.errors import AuthError, TransientError
from aks_actions.job import Job
from local import names
from local.cloud.runner import job_environment
from local.world.namespaces import bind
from sops_python.stores import Format
from tests.integration.cloud import Cloud, in_cloud

SOPS = Path(sys.executable).with_name("sops")
PLAIN = "stringData:\n    password: correct horse battery\n"


def encrypted(folder: Path, key: str = names.VAULT_KEY_URL) -> bytes:
    """A file that the real sops encrypted with Key Vault."""
    path = folder / "secret.yaml"
    path.write_text(PLAIN)
    login = {
        "AZURE_TENANT_ID": names.TENANT,
        "AZURE_CLIENT_ID": names.SOPS_CLIENT_ID,
        "AZURE_CLIENT_SECRET": names.SOPS_CLIENT_SECRET,
    }
    command = [SOPS, "encrypt", "--azure-kv", key, str(path)]
    return subprocess.run(command, env={**os.environ, **login}, capture_output=True, check=True).stdout


def decrypt(cloud: Cloud, data: bytes, subject: str = names.SUBJECTS[0], client: str = names.CLIENT_ID) -> Any:
    environ = {**os.environ, **job_environment(subject, state=cloud.state), "HOME": "/nonexistent"}
    given = Given(tenant_id=names.TENANT, client_id=client)
    (opened,) = secrets.decrypted(Job(environ, io.StringIO()), [Sealed("secret.yaml", data, Format.YAML)], given)
    return opened


@in_cloud
def test_a_file_of_the_real_sops_is_opened_by_the_jobs_identity(cloud: Cloud, tmp_path: Path) -> None:
    assert decrypt(cloud, encrypted(tmp_path)).emit().decode() == PLAIN


@in_cloud
def test_an_identity_without_the_permission_is_told_which_role_to_give(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(AuthError) as caught:
        decrypt(cloud, encrypted(tmp_path), names.STRANGER_SUBJECT, names.STRANGER_CLIENT_ID)
    assert "Key Vault Crypto User" in caught.value.do
    assert f"--assignee {names.STRANGER_CLIENT_ID}" in caught.value.do
    assert names.VAULT_KEY_URL in caught.value.why


@in_cloud
def test_what_entra_says_is_not_lost_on_the_way_through_sops(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(AuthError) as caught:
        decrypt(cloud, encrypted(tmp_path), "repo:acme/shop:environment:unknown")
    assert "AADSTS700213" in caught.value.what
    assert "federated-credential create" in caught.value.do
    assert names.VAULT_KEY_URL in caught.value.details


@in_cloud
def test_a_vault_that_is_not_azures_gets_no_token(cloud: Cloud, tmp_path: Path) -> None:
    steered = re.sub(rb"https://[^\s]+vault\.azure\.net", b"https://vault.evil.example", encrypted(tmp_path))
    with pytest.raises(AuthError) as caught:
        decrypt(cloud, steered)
    assert "not an allowed host" in caught.value.why


@in_cloud
def test_a_disabled_key_is_no_reason_to_wait(cloud: Cloud, tmp_path: Path) -> None:
    disabled = encrypted(tmp_path).replace(b"name: sops", f"name: {names.VAULT_DISABLED_KEY}".encode())
    with pytest.raises(AuthError) as caught:
        decrypt(cloud, disabled)
    assert "disabled" in caught.value.why


@in_cloud
def test_a_vault_that_does_not_answer_is_a_transient_fault(cloud: Cloud, tmp_path: Path) -> None:
    gone = encrypted(tmp_path).replace(names.VAULT.encode(), b"gone")
    hosts = tmp_path / "hosts"
    hosts.write_text(Path("/etc/hosts").read_text() + "127.0.0.9 gone.vault.azure.net\n")
    bind(hosts, "/etc/hosts")
    with pytest.raises(TransientError) as caught:
        decrypt(cloud, gone)
    assert "can't be decrypted now" in caught.value.what
    assert "gone.vault.azure.net" in caught.value.why
