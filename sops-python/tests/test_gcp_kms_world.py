"""Cloud KMS files, ours and the real sops's, against the doubles of Google."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from both_ways import CANARY, RealSops, assert_both_ways
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from local import names
from local.cloud.google_accounts import credentials_file
from sops_python import DataKeyError, Keyring, MasterKey, MasterKeyError, decrypt
from sops_python.keys.gcp_kms import GcpKmsSource
from tests.integration.cloud import Cloud, in_cloud
from tests.integration.key_services import cloud

__all__ = ["cloud"]

KEY = MasterKey("gcp_kms", {"resource_id": names.GCP_KEY}, "")


def account(cloud: Cloud, email: str = names.GCP_DEPLOYER) -> str:
    return str(credentials_file(cloud.state / "cloud", email))


@in_cloud
@pytest.mark.parametrize(
    "variable", ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "GOOGLE_OAUTH_ACCESS_TOKEN"]
)
def test_sops_and_this_package_open_each_others_files(
    cloud: Cloud, sops_binary: Path, tmp_path: Path, variable: str
) -> None:
    os.environ["SOPS_GCP_KMS_CLIENT_TYPE"] = "rest"
    os.environ[variable] = account(cloud)
    if variable == "GOOGLE_OAUTH_ACCESS_TOKEN":
        os.environ[variable] = access_token(cloud)
    assert_both_ways(KEY, Keyring([GcpKmsSource.from_environment()]), RealSops(sops_binary, tmp_path))


@in_cloud
def test_many_threads_share_one_credential_and_pool(cloud: Cloud) -> None:
    source = GcpKmsSource(credential(cloud))
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda number: source.wrap(KEY, bytes([number]) * 32), range(64)))
        assert list(pool.map(source.unwrap, keys)) == [bytes([number]) * 32 for number in range(64)]


@in_cloud
def test_an_account_without_the_role_is_told_which(cloud: Cloud) -> None:
    wrapped = GcpKmsSource(credential(cloud)).wrap(KEY, bytes(32))
    decrypter = GcpKmsSource(credential(cloud, names.GCP_DECRYPTER))
    assert decrypter.unwrap(wrapped) == bytes(32)
    with pytest.raises(MasterKeyError, match="`Cloud KMS CryptoKey Encrypter`"):
        decrypter.wrap(KEY, bytes(32))
    with pytest.raises(MasterKeyError, match="`Cloud KMS CryptoKey Decrypter`"):
        GcpKmsSource(credential(cloud, names.GCP_STRANGER)).unwrap(wrapped)


@in_cloud
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (names.GCP_DISABLED_KEY, "disabled or destroyed"),
        (f"{names.GCP_KEY_RING}/cryptoKeys/none", "no such key"),
        (names.GCP_KEY.replace("acme-shop", "other"), "or there is no such key"),
    ],
)
def test_a_file_that_names_another_key_says_why_it_does_not_open(cloud: Cloud, name: str, reason: str) -> None:
    source = GcpKmsSource(credential(cloud))
    wrapped = source.wrap(KEY, bytes(32))
    with pytest.raises(MasterKeyError, match=reason):
        source.unwrap(wrapped._replace(fields={"resource_id": name}))


@in_cloud
def test_a_file_that_another_key_wrapped_does_not_open(cloud: Cloud, sops_binary: Path, tmp_path: Path) -> None:
    os.environ |= {"SOPS_GCP_KMS_CLIENT_TYPE": "rest", "GOOGLE_CREDENTIALS": account(cloud)}
    encrypted = RealSops(sops_binary, tmp_path).encrypt(KEY)
    damaged = encrypted.replace(b"enc: ", b"enc: AAAA", 1)
    with pytest.raises(DataKeyError, match="not wrapped with this key") as caught:
        decrypt(damaged, keys=[GcpKmsSource(credential(cloud))])
    assert CANARY not in str(caught.value)


def credential(cloud: Cloud, email: str = names.GCP_DEPLOYER) -> Any:
    return service_account.Credentials.from_service_account_file(account(cloud, email))


def access_token(cloud: Cloud) -> str:
    scope = "https://www.googleapis.com/auth/cloud-platform"
    found = service_account.Credentials.from_service_account_file(account(cloud), scopes=[scope])
    found.refresh(Request())
    return str(found.token)
