"""Key Vault files of the real sops, against the Azure doubles of the local world."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from local import names
from sops_python import DataKeyError, Keyring, decrypt
from sops_python.keys.azure_kv import AzureKeyVaultSource
from tests.integration.cloud import Cloud, cloud, in_cloud

__all__ = ["cloud"]

SOPS = Path(sys.executable).with_name("sops")
CANARY = "correct horse"


@in_cloud
def test_a_file_of_the_real_sops_is_opened_by_who_holds_the_role(cloud: Cloud, tmp_path: Path) -> None:
    encrypted = encrypt_with_vault(cloud, tmp_path)
    ring = Keyring([AzureKeyVaultSource(cloud.credential())])
    assert decrypt(encrypted, keys=ring).documents == [{"password": CANARY}]
    with pytest.raises(DataKeyError, match="Key Vault Crypto User") as caught:
        decrypt(encrypted, keys=[AzureKeyVaultSource(cloud.stranger())])
    assert CANARY not in str(caught.value)


@in_cloud
@pytest.mark.parametrize(
    ("field", "other", "reason"),
    [
        ("version", "f" * 32, "no such key or version"),
        ("name", names.VAULT_DISABLED_KEY, "is disabled"),
        ("vault_url", "https://evil.example", "evil.example is not an allowed host; no token was sent"),
    ],
)
def test_a_file_that_names_another_key_says_why_it_does_not_open(
    cloud: Cloud, tmp_path: Path, field: str, other: str, reason: str
) -> None:
    encrypted = encrypt_with_vault(cloud, tmp_path).decode()
    changed = re.sub(rf"({field}:) (?!3\.).*", rf"\1 {other}", encrypted)
    with pytest.raises(DataKeyError) as caught:
        decrypt(changed.encode(), keys=[AzureKeyVaultSource(cloud.credential())])
    assert reason in str(caught.value)


def encrypt_with_vault(cloud: Cloud, folder: Path) -> bytes:
    """A file that the real sops encrypts to the doubles' key, logged in as the deployer."""
    (folder / "assertion").write_text(cloud.id_token(names.SUBJECTS[0]))
    (folder / "secret.yaml").write_text(f"password: {CANARY}\n")
    login = {
        "AZURE_CLIENT_ID": names.CLIENT_ID,
        "AZURE_TENANT_ID": names.TENANT,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "assertion"),
    }
    command = [SOPS, "encrypt", "--azure-kv", names.VAULT_KEY_URL, folder / "secret.yaml"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **login})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout
