"""Key Vault files of the real sops, against the Azure doubles of the local world."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from both_ways import RealSops, assert_both_ways

from local import names
from sops_python import DataKeyError, Keyring, MasterKey, MasterKeyError, decrypt
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
@pytest.mark.parametrize("version", [names.VAULT_KEY_VERSION, ""], ids=["version", "newest"])
def test_sops_and_this_package_open_each_others_files(
    cloud: Cloud, sops_binary: Path, tmp_path: Path, version: str
) -> None:
    (tmp_path / "assertion").write_text(cloud.id_token(names.SUBJECTS[0]))
    os.environ |= {
        "AZURE_CLIENT_ID": names.CLIENT_ID,
        "AZURE_TENANT_ID": names.TENANT,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "assertion"),
    }
    key = MasterKey("azure_kv", {"vault_url": names.VAULT_URL, "name": names.VAULT_KEY, "version": version}, "")
    source = AzureKeyVaultSource(cloud.credential())
    assert_both_ways(key, Keyring([source]), RealSops(sops_binary, tmp_path))
    assert source.wrap(key, bytes(32)).fields["version"] == names.VAULT_KEY_VERSION


@in_cloud
def test_many_threads_share_one_token_and_no_more_connections_than_they_are(cloud: Cloud) -> None:
    source = AzureKeyVaultSource(cloud.credential())
    key = MasterKey("azure_kv", {"vault_url": names.VAULT_URL, "name": names.VAULT_KEY}, "")
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda number: source.wrap(key, bytes([number]) * 32), range(64)))
        assert list(pool.map(source.unwrap, keys)) == [bytes([number]) * 32 for number in range(64)]
    manager = source._service.open_session().get_adapter(names.VAULT_URL).poolmanager  # type: ignore[attr-defined]
    (pools,) = [manager.pools.get(name) for name in manager.pools.keys()]  # noqa: SIM118  # no mapping
    assert pools.num_requests == 128
    assert pools.num_connections <= 16


@in_cloud
def test_an_identity_without_the_role_cannot_wrap(cloud: Cloud) -> None:
    key = MasterKey("azure_kv", {"vault_url": names.VAULT_URL, "name": names.VAULT_KEY}, "")
    with pytest.raises(MasterKeyError, match="may not use keys/encrypt on this key: give it the role"):
        AzureKeyVaultSource(cloud.stranger()).wrap(key, bytes(32))


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
