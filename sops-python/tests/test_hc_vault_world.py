"""Vault files, ours and the real sops's, against the double of a Vault, and against OpenBao."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from both_ways import RealSops, assert_both_ways

from local import names
from sops_python import Keyring, MasterKey, MasterKeyError
from sops_python.keys.hc_vault import VaultTransitSource
from tests.integration.cloud import Cloud, in_cloud
from tests.integration.key_services import cloud
from tests.integration.openbao import openbao

__all__ = ["cloud", "openbao"]

FIELDS = {
    "vault_address": names.HC_VAULT_URL,
    "engine_path": names.HC_VAULT_ENGINE,
    "key_name": names.HC_VAULT_KEY,
}
KEY = MasterKey("hc_vault", FIELDS, "")


@in_cloud
def test_sops_and_this_package_open_each_others_files(cloud: Cloud, sops_binary: Path, tmp_path: Path) -> None:
    os.environ |= {"VAULT_ADDR": names.HC_VAULT_URL, "VAULT_TOKEN": names.HC_VAULT_TOKEN}
    assert_both_ways(KEY, Keyring([VaultTransitSource.from_environment()]), RealSops(sops_binary, tmp_path))


@in_cloud
def test_the_token_that_vault_login_leaves_serves_both(cloud: Cloud, sops_binary: Path, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(names.HC_VAULT_TOKEN)
    os.environ |= {"VAULT_ADDR": names.HC_VAULT_URL, "HOME": str(tmp_path)}
    assert_both_ways(KEY, Keyring([VaultTransitSource.from_environment()]), RealSops(sops_binary, tmp_path))


@in_cloud
def test_many_threads_share_one_pool(cloud: Cloud) -> None:
    many_threads(VaultTransitSource(names.HC_VAULT_TOKEN, address=names.HC_VAULT_URL), KEY)


@in_cloud
def test_a_named_authority_is_the_only_one_trusted(cloud: Cloud) -> None:
    def wrap(authority: Path) -> MasterKey:
        source = VaultTransitSource(names.HC_VAULT_TOKEN, address=names.HC_VAULT_URL, verify=str(authority))
        return source.wrap(KEY, bytes(32))

    assert wrap(cloud.state / "cloud" / "ca.pem").enc
    with pytest.raises(MasterKeyError, match="an authority that this machine does not trust"):
        wrap(Path("/etc/ssl/certs/ca-certificates.crt"))
    with pytest.raises(MasterKeyError, match="the request to Vault failed"):
        wrap(Path("/nonexistent.pem"))


@in_cloud
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"key_name": "sops-of-nobody"}, "no such key"),
        ({"engine_path": "other"}, 'lack `update` on "other/decrypt/sops"'),
        ({"vault_address": "https://vault.evil.example"}, "not an allowed address; no token was sent"),
    ],
)
def test_a_file_that_names_another_key_says_why_it_does_not_open(
    cloud: Cloud, fields: dict[str, str], reason: str
) -> None:
    source = VaultTransitSource(names.HC_VAULT_TOKEN, address=names.HC_VAULT_URL)
    wrapped = source.wrap(KEY, bytes(32))
    with pytest.raises(MasterKeyError, match=reason):
        source.unwrap(wrapped._replace(fields={**FIELDS, **fields}))


@in_cloud
def test_a_token_without_the_policy_is_told_which(cloud: Cloud) -> None:
    source = VaultTransitSource(names.HC_VAULT_STRANGER_TOKEN, address=names.HC_VAULT_URL)
    with pytest.raises(MasterKeyError, match=r'its policies lack `update` on "transit/encrypt/sops" \(403\)'):
        source.wrap(KEY, bytes(32))


def test_with_openbao_sops_and_this_package_open_each_others_files(
    openbao: str, sops_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", openbao)
    monkeypatch.setenv("VAULT_TOKEN", "root")
    key = MasterKey("hc_vault", {"vault_address": openbao, "engine_path": "teams/transit", "key_name": "sops"}, "")
    source = VaultTransitSource.from_environment()
    assert_both_ways(key, Keyring([source]), RealSops(sops_binary, tmp_path))
    many_threads(source, key)


def test_openbao_refuses_as_the_double_does(openbao: str) -> None:
    fields = {"vault_address": openbao, "engine_path": "teams/transit", "key_name": "sops"}
    source = VaultTransitSource("root", address=openbao)
    wrapped = source.wrap(MasterKey("hc_vault", fields, ""), bytes(32))

    def reason(source: VaultTransitSource, enc: str = wrapped.enc, **other: str) -> str:
        with pytest.raises(MasterKeyError) as caught:
            source.unwrap(wrapped._replace(enc=enc, fields={**fields, **other}))
        return caught.value.reason

    assert "no such key" in reason(source, key_name="none")
    assert "no secrets engine at this path" in reason(source, engine_path="other")
    assert "not wrapped with this key" in reason(source, enc=f"vault:v1:{'A' * 64}")
    assert "no such version" in reason(source, enc="vault:v9:AAAA")
    assert "its policies lack `update`" in reason(VaultTransitSource("wrong", address=openbao))
    assert "VAULT_NAMESPACE" in reason(VaultTransitSource("root", address=openbao, namespace="other"))


def many_threads(source: VaultTransitSource, key: MasterKey) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda number: source.wrap(key, bytes([number]) * 32), range(64)))
        assert list(pool.map(source.unwrap, keys)) == [bytes([number]) * 32 for number in range(64)]
