"""Key Vault, judged by azure-keyvault-keys, azure-keyvault-secrets and the real sops binary."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm
from azure.keyvault.secrets import SecretClient

from local import names
from tests.integration.cloud import Cloud, in_cloud

OAEP_256 = EncryptionAlgorithm.rsa_oaep_256
SOPS = Path(sys.executable).with_name("sops")
RECOVERY = Path(__file__).parents[2] / "local/cloud/recovery.agekey"


def vault_key(credential: TokenCredential, name: str = names.VAULT_KEY) -> CryptographyClient:
    # By identity, and without its public half: so every operation is the service's, none the client's own.
    return CryptographyClient(f"{names.VAULT_URL}/keys/{name}/{names.VAULT_KEY_VERSION}", credential)


def inner_code(error: HttpResponseError) -> str:
    assert error.response is not None
    return str(json.loads(error.response.text())["error"]["innererror"]["code"])


@in_cloud
@pytest.mark.parametrize("algorithm", [OAEP_256, EncryptionAlgorithm.rsa_oaep])
def test_what_the_public_key_encrypts_the_vault_decrypts(cloud: Cloud, algorithm: EncryptionAlgorithm) -> None:
    key = KeyClient(names.VAULT_URL, cloud.credential()).get_key(names.VAULT_KEY)
    assert key.id == names.VAULT_KEY_URL
    local = CryptographyClient.from_jwk(key.key)
    sealed = local.encrypt(algorithm, b"a data key").ciphertext
    assert vault_key(cloud.stranger()).key_id == names.VAULT_KEY_URL
    assert vault_key(cloud.credential()).decrypt(algorithm, sealed).plaintext == b"a data key"


@in_cloud
def test_the_vault_encrypts_wraps_and_unwraps(cloud: Cloud) -> None:
    key = vault_key(cloud.credential())
    assert key.decrypt(OAEP_256, key.encrypt(OAEP_256, b"one").ciphertext).plaintext == b"one"
    wrapped = key.wrap_key(KeyWrapAlgorithm.rsa_oaep_256, b"two").encrypted_key
    assert key.unwrap_key(KeyWrapAlgorithm.rsa_oaep_256, wrapped).key == b"two"


@in_cloud
def test_keys_and_their_versions_are_listed(cloud: Cloud) -> None:
    client = KeyClient(names.VAULT_URL, cloud.credential())
    assert {key.name for key in client.list_properties_of_keys()} == {names.VAULT_KEY, names.VAULT_DISABLED_KEY}
    assert [key.version for key in client.list_properties_of_key_versions(names.VAULT_KEY)] == [names.VAULT_KEY_VERSION]


@in_cloud
def test_a_request_without_a_token_is_challenged(cloud: Cloud) -> None:
    answer = requests.get(f"{names.VAULT_URL}/keys/{names.VAULT_KEY}?api-version=7.6", timeout=10)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer authorization="https://login.microsoftonline.com/{names.TENANT}", resource="https://vault.azure.net"'
    )


@in_cloud
def test_a_token_for_another_service_opens_no_vault(cloud: Cloud) -> None:
    token = cloud.credential().get_token("https://management.azure.com/.default").token
    answer = requests.get(
        f"{names.VAULT_URL}/keys?api-version=7.6", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert answer.status_code == 401
    assert "Invalid audience" in answer.json()["error"]["message"]


@in_cloud
def test_without_a_role_decrypt_is_forbidden_by_rbac_and_names_the_caller(cloud: Cloud) -> None:
    with pytest.raises(HttpResponseError) as caught:
        vault_key(cloud.stranger()).decrypt(OAEP_256, b"x" * 256)
    assert caught.value.status_code == 403
    assert inner_code(caught.value) == "ForbiddenByRbac"
    assert names.STRANGER_OID in str(caught.value)
    assert "Microsoft.KeyVault/vaults/keys/" in str(caught.value)


@in_cloud
def test_a_missing_key_is_key_not_found(cloud: Cloud) -> None:
    client = KeyClient(names.VAULT_URL, cloud.credential())
    for name, version in (("nobody", ""), (names.VAULT_KEY, "0" * 32)):
        with pytest.raises(ResourceNotFoundError, match="KeyNotFound"):
            client.get_key(name, version)


@in_cloud
def test_a_disabled_key_decrypts_nothing(cloud: Cloud) -> None:
    with pytest.raises(HttpResponseError) as caught:
        vault_key(cloud.credential(), names.VAULT_DISABLED_KEY).decrypt(OAEP_256, b"x" * 256)
    assert (caught.value.status_code, inner_code(caught.value)) == (403, "KeyDisabled")


@in_cloud
def test_a_foreign_ciphertext_is_a_bad_parameter(cloud: Cloud) -> None:
    with pytest.raises(HttpResponseError, match="BadParameter") as caught:
        vault_key(cloud.credential()).decrypt(OAEP_256, b"x" * 256)
    assert caught.value.status_code == 400


@in_cloud
def test_secrets_are_set_read_versioned_and_listed_over_pages(cloud: Cloud) -> None:
    client = SecretClient(names.VAULT_URL, cloud.credential())
    prefix = f"test-{uuid.uuid4().hex[:8]}"
    first = client.set_secret(f"{prefix}-0", "old", content_type="text/plain", tags={"a": "b"})
    client.set_secret(f"{prefix}-0", "line 1\nline 2 ✓")
    for number in range(1, 30):
        client.set_secret(f"{prefix}-{number}", "value")
    assert client.get_secret(f"{prefix}-0").value == "line 1\nline 2 ✓"
    kept = client.get_secret(f"{prefix}-0", first.properties.version)
    assert (kept.value, kept.properties.content_type, kept.properties.tags) == ("old", "text/plain", {"a": "b"})
    assert len(list(client.list_properties_of_secret_versions(f"{prefix}-0"))) == 2
    assert (
        len([item for item in client.list_properties_of_secrets() if item.name and item.name.startswith(prefix)]) == 30
    )


@in_cloud
def test_a_missing_a_disabled_and_a_forbidden_secret_differ(cloud: Cloud) -> None:
    client = SecretClient(names.VAULT_URL, cloud.credential())
    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        client.get_secret("nobody")
    client.set_secret("off", "value", enabled=False)
    with pytest.raises(HttpResponseError) as caught:
        client.get_secret("off")
    assert inner_code(caught.value) == "SecretDisabled"
    with pytest.raises(HttpResponseError) as caught:
        SecretClient(names.VAULT_URL, cloud.stranger()).get_secret("off")
    assert inner_code(caught.value) == "ForbiddenByRbac"


@in_cloud
def test_what_the_real_sops_encrypts_the_vault_and_the_recovery_key_each_open(cloud: Cloud, tmp_path: Path) -> None:
    plain = tmp_path / "secret.yaml"
    plain.write_text("stringData:\n    password: correct horse\n")
    recipients = ["--azure-kv", names.VAULT_KEY_URL, "--age", names.AGE_RECOVERY_RECIPIENT]
    login = {
        "AZURE_TENANT_ID": names.TENANT,
        "AZURE_CLIENT_ID": names.SOPS_CLIENT_ID,
        "AZURE_CLIENT_SECRET": names.SOPS_CLIENT_SECRET,
    }
    sealed = tmp_path / "secret.enc.yaml"
    sealed.write_text(sops("encrypt", *recipients, str(plain), login=login))
    assert "correct horse" not in sealed.read_text()
    assert names.VAULT in sealed.read_text()
    assert sops("decrypt", str(sealed), login=login) == plain.read_text()
    assert sops("decrypt", str(sealed), login={"SOPS_AGE_KEY_FILE": str(RECOVERY)}) == plain.read_text()


@in_cloud
def test_the_real_sops_decrypts_by_federation_for_who_holds_a_role_only(cloud: Cloud, tmp_path: Path) -> None:
    plain, sealed = tmp_path / "a.yaml", tmp_path / "a.enc.yaml"
    plain.write_text("a: value\n")
    deployer = federated(cloud, tmp_path / "deployer", names.CLIENT_ID, names.SUBJECTS[0])
    sealed.write_text(sops("encrypt", "--azure-kv", names.VAULT_KEY_URL, str(plain), login=deployer))
    assert sops("decrypt", str(sealed), login=deployer) == "a: value\n"
    stranger = federated(cloud, tmp_path / "stranger", names.STRANGER_CLIENT_ID, names.STRANGER_SUBJECT)
    with pytest.raises(AssertionError, match="ForbiddenByRbac"):
        sops("decrypt", str(sealed), login=stranger)


def federated(cloud: Cloud, file: Path, client: str, subject: str) -> dict[str, str]:
    """The variables of workload identity, as Go's SDK reads them."""
    file.write_text(cloud.id_token(subject))
    return {"AZURE_TENANT_ID": names.TENANT, "AZURE_CLIENT_ID": client, "AZURE_FEDERATED_TOKEN_FILE": str(file)}


def sops(*arguments: str, login: dict[str, str]) -> str:
    done = subprocess.run(
        [str(SOPS), *arguments],
        env={**os.environ, "HOME": "/nonexistent", **login},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
